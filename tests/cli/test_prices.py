"""Prices from the command line: what is in force and who says it, setting one, and importing many."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.cli.calling import Run

FILE = """
discover = false
[providers.lab]
base_url = "http://lab:8000"
speaks = { openai_chat = "/v1/chat/completions" }
[models.best]
targets = ["lab/a", "openai/gpt-4o"]
aliases = ["finest"]
price = { input = "0.20", output = "0.80" }
[models.unknown]
targets = ["lab/c"]
[models.tenth]
targets = ["openai/gpt-4o"]
price = { factor = "0.1" }
"""
EXAMPLE = Path(__file__).parents[2] / "examples/prices-lucidlm.toml"


@pytest.fixture
def gateway(empty_database_url: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line in a folder with a configuration, OpenAI's key, and a database of its own."""
    monkeypatch.setenv("TALLYGATE_DATA", "data")
    monkeypatch.setenv("TALLYGATE_DATABASE_URL", empty_database_url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    Path("tallygate.toml").write_text(FILE)
    return run


def said(run: Run, *arguments: str) -> Any:
    """What a verb prints as JSON."""
    result = run("prices", *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return msgspec.json.decode(result.stdout)


def listed(run: Run, *arguments: str) -> dict[tuple[str, str], dict[str, Any]]:
    return {(line["kind"], line["name"]): line for line in said(run, "list", *arguments)}


def test_each_price_is_listed_with_who_says_it(gateway: Run) -> None:
    prices = listed(gateway)
    assert {name: line["source"] for (kind, name), line in prices.items() if kind == "sale"} == {
        "best": "configured",
        "finest": "configured",
        "unknown": None,
        "tenth": "configured",
        "gpt-6-sol": "list",
        "gpt-6-luna": "list",
        "gpt-5.6-sol": "list",
        "gpt-5.6-luna": "list",
        "gpt-5.5": "list",
        "gpt-5.4-mini": "list",
        "gpt-4.1-mini": "list",
        "text-embedding-3-small": "list",
        "text-embedding-3-large": "list",
    }
    assert prices["sale", "finest"]["terms"] == {"input": "0.20", "output": "0.80"}
    assert prices["sale", "tenth"]["terms"]["output"] == "1.00"
    assert prices["cost", "openai/gpt-4o"]["terms"]["output"] == "10.00"
    assert prices["cost", "lab/a"]["terms"] is None
    table = gateway("prices", "list").stdout
    assert "no price" in table
    assert "cache read 0.10" in table


def test_a_price_that_is_set_wins_and_its_history_stays(gateway: Run) -> None:
    for amount in ("1", "2.00"):
        done = said(gateway, "set", "best", "--input", amount, "--output", "4", "--cache-read", "0.1")
        assert (done["source"], done["added"]) == ("set", True)
    said(gateway, "set", "best", "--free", "--effective-from", "2099-01-31")
    (line,) = said(gateway, "list", "--model", "best", "--kind", "sale")
    assert line["terms"] == {"input": "2.00", "cache_read": "0.10", "output": "4.00"}
    history = said(gateway, "list", "--model", "best", "--kind", "sale", "--all-versions")
    assert [
        (line["source"], line["terms"] if line["terms"] == "free" else line["terms"]["input"]) for line in history
    ] == [
        ("set", "1.00"),
        ("set", "2.00"),
        ("set", "free"),
        ("configured", "0.20"),
    ]
    assert history[2]["effective_from"] == "2099-01-31T00:00:00Z"


def test_setting_the_same_price_from_the_same_moment_adds_nothing(gateway: Run) -> None:
    arguments = ("set", "best", "--input", "1", "--output", "2", "--effective-from", "2026-01-01")
    assert said(gateway, *arguments)["added"]
    assert not said(gateway, *arguments)["added"]
    assert "was set already, from 2026-01-01 00:00 UTC" in gateway("prices", *arguments).stdout


def test_a_factor_alone_is_a_part_of_the_list_price(gateway: Run) -> None:
    assert said(gateway, "set", "gpt-4.1-mini", "--factor", "0.5")["terms"]["output"] == "0.80"
    assert said(gateway, "set", "openai/gpt-4o", "--cost", "--factor", "0.5")["terms"]["output"] == "5.00"
    assert said(gateway, "set", "openai/gpt-4o", "--cost", "--factor", "0.5")["terms"]["output"] == "5.00"
    assert said(gateway, "set", "gpt-4o", "--factor", "2")["terms"]["output"] == "10.00"
    assert listed(gateway)["sale", "tenth"]["terms"]["output"] == "0.50"


def test_a_cost_of_a_target_that_cannot_be_called_is_kept_and_found(gateway: Run) -> None:
    said(gateway, "set", "far/m", "--cost", "--input", "1", "--output", "2")
    assert ("cost", "far/m") not in listed(gateway)
    assert ("cost", "far/m") in listed(gateway, "--kind", "cost")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("price.json", '{"input": "3", "output": "15", "tiers": [{"above_input_tokens": 9, "input": "6"}]}'),
        ("price.toml", 'input = "3"\noutput = "15"\ntiers = [{ above_input_tokens = 9, input = "6" }]\n'),
    ],
)
def test_a_price_with_tiers_comes_from_a_file(gateway: Run, name: str, text: str) -> None:
    Path(name).write_text(text)
    done = said(gateway, "set", "best", "--terms", name)
    assert done["terms"]["tiers"] == [{"above_input_tokens": 9, "input": "6.00", "output": "15.00"}]
    Path(name).write_text("{")
    assert gateway("prices", "set", "best", "--terms", name).exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [
        (("set", "best"), 2),
        (("set", "best", "--free", "--input", "1"), 2),
        (("set", "best", "--input", "three"), 2),
        (("set", "best", "--input", "-1"), 2),
        (("set", "best", "--free", "--effective-from", "soon"), 2),
        (("set", "unknown", "--factor", "0.5"), 2),
        (("set", "nothing", "--factor", "0.5"), 2),
        (("set", "best", "--cost", "--free"), 2),
        (("set", "best", "--terms", "nowhere.json"), 1),
        (("import", "litellm"), 2),
        (("import", "a.toml", "b.toml"), 2),
        (("import", "nowhere.toml"), 1),
        (("import", "litellm", "nowhere.json"), 1),
        (("list", "--kind", "gift"), 2),
    ],
)
def test_what_cannot_be_done_is_said(gateway: Run, arguments: tuple[str, ...], exit_code: int) -> None:
    result = gateway("prices", *arguments)
    assert result.exit_code == exit_code, result.output
    assert result.stderr
    assert not result.stdout


def test_a_price_of_one_side_alone_is_set_with_a_warning(gateway: Run) -> None:
    result = gateway("prices", "set", "best", "--input", "1")
    assert result.exit_code == 0
    assert "Chat calls need a price of input and of output" in result.stderr
    assert "Chat calls" not in gateway("prices", "set", "best", "--free").stderr


def test_a_table_of_models_is_imported_as_the_gateway_would_charge_it(gateway: Run) -> None:
    tried = said(gateway, "import", str(EXAMPLE), "--dry-run")
    assert (len(tried["added"]), tried["dry_run"]) == (7, True)
    assert ("sale", "openclaw-v1") not in listed(gateway)
    assert len(said(gateway, "import", str(EXAMPLE))["added"]) == 7
    prices = listed(gateway)
    assert prices["sale", "claude-opus-4-7"]["terms"] == {"input": "1.50", "output": "7.50"}
    assert prices["sale", "ollama-llama3"]["terms"] == "free"
    again = said(gateway, "import", str(EXAMPLE))
    assert (again["added"], again["unchanged"]) == ([], 7)
    assert "Set 0 prices. In force already: 7." in gateway("prices", "import", str(EXAMPLE)).stdout


def test_a_file_of_models_that_is_none_is_refused(gateway: Run) -> None:
    texts = ["[providers]", "[models.m]\nprice = 3", "[models.m]\nprice = { factor = '0.1' }", "models = 3", "["]
    for text in texts:
        Path("file.toml").write_text(text)
        result = gateway("prices", "import", "file.toml")
        assert (result.exit_code, result.stdout) == (1, ""), text
        assert result.stderr.startswith("file.toml"), text


def test_litellms_list_is_imported_as_costs_with_a_line_for_what_was_left(gateway: Run) -> None:
    row = {"litellm_provider": "lab", "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06, "odd_cost": 1}
    Path("list.json").write_bytes(msgspec.json.encode({"a": row}))
    result = gateway("prices", "import", "litellm", "list.json")
    assert result.stdout == "Set 1 price. In force already: 0.\n"
    assert result.stderr == "a: odd_cost is not carried\n"
    assert listed(gateway)["cost", "lab/a"]["terms"] == {"input": "1.00", "output": "2.00"}
    Path("list.json").write_text("[]")
    assert gateway("prices", "import", "litellm", "list.json").exit_code == 1


def test_models_to_test_with_are_free(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLYGATE_DATA", "data")
    monkeypatch.setenv("TALLYGATE_DISCOVER", "false")
    prices = listed(run)
    assert {line["source"] for line in prices.values()} == {"local"}
    assert prices["sale", "mock/echo"]["terms"] == "free"
