"""The audit from the command line: exit 0 and the sums of a ledger that adds up, else exit 1 and a line per fault."""

from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text

from tallygate.store.address import parse_address
from tallygate.store.database import Database
from tests.cli.calling import Run


@pytest.fixture
def acme(empty_database_url: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A database with the workspace acme and 10 USD in its wallet."""
    monkeypatch.setenv("TALLYGATE_DATA", "data")
    monkeypatch.setenv("TALLYGATE_DATABASE_URL", empty_database_url)
    run("workspaces", "create", "acme")
    assert run("credit", "add", "--workspace", "acme", "--usd", "10", "--id", "bank-1").exit_code == 0
    return Database(parse_address(empty_database_url, Path()))


@pytest.mark.usefixtures("acme")
def test_a_ledger_that_adds_up(run: Run) -> None:
    result = run("ledger", "audit")
    assert result.exit_code == 0, result.output
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["payments", "-10.00", "0.00"] in rows
    assert ["wallet", "10.00", "0.00"] in rows
    assert ["sum", "0.00", "0.00"] in rows
    assert result.stdout.endswith("\n1 transfer, 0 calls (0 open) and 1 wallet: everything adds up.\n")


def test_a_ledger_that_is_not_there_does_not_add_up(run: Run, tmp_path: Path) -> None:
    """Somebody at midnight in the wrong folder must not be told that all is well, nor leave an empty database there."""
    result = run("ledger", "audit", "--data", str(tmp_path / "wrong"))
    assert result.exit_code == 1
    assert result.stdout == ""
    assert str(tmp_path / "wrong") in result.stderr
    assert not (tmp_path / "wrong").exists()


def test_each_wrong_figure_has_its_line(run: Run, acme: Database) -> None:
    with acme.writing() as connection:
        connection.execute(text("UPDATE wallets SET posted_nusd = 7, next_sequence = 3"))
        workspace_id = connection.execute(text("SELECT id FROM workspaces")).scalar_one()
    result = run("ledger", "audit")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[:4] == [
        f"wallet {workspace_id}: posted: expected 10.00 USD, found 0.000000007 USD",
        f"wallet {workspace_id}: next posting: expected 1, found 3",
        "all accounts: sum: expected 0.00 USD, found -9.999999993 USD",
        "",
    ]
    assert result.stdout.endswith("3 figures wrong.\n")
    assert result.stderr == ""


def test_json_says_the_same(run: Run, acme: Database) -> None:
    clean = msgspec.json.decode(run("ledger", "audit", "--json").stdout)
    assert (clean["clean"], clean["findings"], clean["read"]["transfers"]) == (True, [], 1)
    assert {"account": "payments", "final_usd": "-10.00", "pending_usd": "0.00"} in clean["accounts"]
    with acme.writing() as connection:
        connection.execute(text("UPDATE users SET slots_used = 1"))
        user_id = connection.execute(text("SELECT id FROM users")).scalar_one()
    result = run("ledger", "audit", "--json")
    wrong = msgspec.json.decode(result.stdout)
    finding = {"place": f"user {user_id}", "figure": "slots in use", "expected": "0", "found": "1"}
    assert (result.exit_code, wrong["clean"], wrong["findings"]) == (1, False, [finding])
