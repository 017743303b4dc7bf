"""What is written down of a database: all that an operator set, and no secret."""

import re
from pathlib import Path
from typing import Any

import msgspec

from tests.cli.calling import Run


def prepare_past(run: Run) -> str:
    """A workspace with a user, a key, limits and a price; the key."""
    for line in (
        "workspaces create acme",
        "users create ada --workspace acme",
        "users limits ada --workspace acme --budget 5.00/daily",
        "prices set qwen3 --input 0.20 --output 0.80",
    ):
        done = run(*line.split())
        assert done.exit_code == 0, (line, done.output)
    made = run("keys", "create", "--workspace", "acme", "--user", "ada", "--rpm", "7", "--model", "qwen3", "--json")
    assert made.exit_code == 0, made.output
    return msgspec.json.decode(made.stdout)["key"]


def test_everything_that_was_set_and_no_secret(run: Run) -> None:
    key = prepare_past(run)
    done = run("export")
    assert done.exit_code == 0, done.output
    told: dict[str, Any] = msgspec.json.decode(done.stdout)
    assert told["form"] == 1
    assert [row["name"] for row in told["workspaces"]] == ["acme"]
    assert [row["name"] for row in told["users"]] == ["owner", "ada"]
    (shown,) = told["keys"]
    assert (shown["user"], shown["models"], shown["last4"]) == ("ada", ["qwen3"], key[-4:])
    assert {row["level"]: row for row in told["limits"]} == {
        "user": {"level": "user", "id": told["users"][1]["id"], "budgets_usd": {"daily": "5.00"}},
        "key": {"level": "key", "id": shown["id"], "per_minute": {"requests": 7}},
    }
    (price,) = told["prices"]
    assert (price["name"], price["price"]) == ("qwen3", {"input": "0.20", "output": "0.80"})
    assert key not in done.output
    assert not re.search(r"digest|password|pepper", done.stdout)


def test_it_is_written_once_and_for_its_owner_alone(run: Run) -> None:
    prepare_past(run)
    assert run("export", "--out", "out.json").exit_code == 0
    assert Path("out.json").stat().st_mode & 0o777 == 0o600
    assert msgspec.json.decode(Path("out.json").read_bytes())["keys"]
    assert run("export", "--out", "out.json").exit_code == 1


def test_a_wrong_folder_is_refused_and_stays_empty(run: Run) -> None:
    done = run("export", "--data", "nowhere")
    assert done.exit_code == 1
    assert "There is no database" in done.stderr
    assert not Path("nowhere").exists()
