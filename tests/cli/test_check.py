"""The printed configuration: every setting once, with its origin, and no secret."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tallygate.config import list_settings
from tests.cli.calling import Run

FILE = """
discover = false
[server]
port = 9000
[providers.lab]
base_url = "http://lab:8000"
speaks = { openai_chat = "/v1/chat/completions" }
[models."qwen3.5"]
targets = ["lab/qwen3.5"]
price = { input = "0.20", output = "0.80" }
"""


def test_every_value_is_printed_with_its_origin(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("tallygate.toml").write_text(FILE)
    monkeypatch.setenv("TALLYGATE_ADMIN_KEY", "swordfish")
    monkeypatch.setenv("PORT", "9001")
    result = run("check", "--json", "--data", "here")
    assert result.exit_code == 0, result.output
    rows: list[dict[str, Any]] = msgspec.json.decode(result.stdout)
    assert [row["setting"] for row in rows if "." not in row["setting"] or row["setting"].startswith("server")] == [
        name for name in list_settings() if "." not in name or name.startswith("server")
    ]
    seen = {row["setting"]: (row["value"], row["from"]) for row in rows}
    assert seen["server.port"] == (9001, "PORT")
    assert seen["discover"] == (False, "tallygate.toml:2")
    assert seen["data"] == (str(Path("here").absolute()), "--data")
    assert seen["admin_key"] == ("***", "TALLYGATE_ADMIN_KEY")
    assert seen['models."qwen3.5".price'] == ({"input": "0.20", "output": "0.80"}, "tallygate.toml:10")
    assert seen["server.host"] == ("127.0.0.1", "default")
    table = run("check").stdout
    assert "swordfish" not in table + result.output
    for row in rows:
        assert row["setting"] in table


def test_only_what_is_set_is_printed_if_that_is_wanted(run: Run) -> None:
    Path("tallygate.toml").write_text(FILE)
    result = run("check", "--changed")
    assert result.stdout.split()[:3] == ["SETTING", "VALUE", "FROM"]
    assert [line.split()[0] for line in result.stdout.splitlines()[1:]] == [
        "discover",
        "server.port",
        "providers.lab.base_url",
        "providers.lab.speaks",
        'models."qwen3.5".targets',
        'models."qwen3.5".price',
    ]
    assert "6 of " in result.stderr
    rows = msgspec.json.decode(run("check", "--changed", "--json").stdout)
    assert {row["from"].partition(":")[0] for row in rows} == {"tallygate.toml"}


REAL = "is the name of a real model, and whoever calls it must get that one; choose another"
NO_DIALECT = 'is needed: which dialect is spoken where, for example { openai_chat = "/v1/chat/completions" }'


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "[providers.lab]\nbase_url = 'http://lab:8000'\n",
            f"  providers.lab.speaks: {NO_DIALECT} (from tallygate.toml:2)",
        ),
        (
            "[models.'q.5']\nprice = { input = '1', tiers = [{ input = '2' }, { input = '3' }] }\n",
            '  models."q.5".price: tiers: two of them begin at the same number of tokens (from tallygate.toml:2)',
        ),
        (
            "[models.q]\naliases = ['p', 'claude-sonnet-4-5']\n",
            f'  models.q.aliases: "claude-sonnet-4-5" {REAL} (from tallygate.toml:2)',
        ),
        (
            "[models.q]\naliases = ['gpt-4o-2024-11-20']\n",
            f'  models.q.aliases: "gpt-4o-2024-11-20" {REAL} (from tallygate.toml:2)',
        ),
        (
            "[models.q]\naliases = ['p']\ntargets = ['opnai/gpt']\n",
            '  models.q.targets: there is no provider "opnai"; did you mean "openai"? (from tallygate.toml:3)',
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(run: Run, text: str, line: str) -> None:
    Path("tallygate.toml").write_text(text)
    result = run("check")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == ["The configuration cannot be used.", line]
    assert not result.stdout
