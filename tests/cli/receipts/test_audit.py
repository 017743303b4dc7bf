"""`receipts audit`: exit 0 and what was read of a log that is whole, else exit 1 and a line for each flaw."""

from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text

from tallygate.store.address import DatabaseAddress
from tallygate.store.database import Database
from tests.cli.calling import Run
from tests.fakes.proven import Proven, prove
from tests.fakes.receipts import LOG


@pytest.fixture
def proven(
    address: DatabaseAddress,
    database: Database,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    run: Run,
) -> Proven:
    monkeypatch.setenv("TALLYGATE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("TALLYGATE_DATABASE_URL", database_url)
    return prove(address, database, tmp_path / "data")


@pytest.mark.usefixtures("proven")
def test_a_log_that_is_whole(run: Run) -> None:
    result = run("receipts", "audit")
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    assert result.stdout.splitlines()[1].split() == [LOG, "16", "0", "2"]
    assert result.stdout.endswith("\nThe log is whole.\n")


@pytest.mark.usefixtures("proven")
def test_each_flaw_has_its_line(run: Run, database: Database) -> None:
    with database.writing() as connection:
        connection.execute(text("DELETE FROM log_checkpoints WHERE size = 16"))
        connection.execute(text("DELETE FROM receipts WHERE id = 'c1'"))
    flaws = {
        "entry c1": "an entry of which there is neither a receipt nor a statement",
        "checkpoint 16": "it was published as the last one and is missing",
    }
    result = run("receipts", "audit")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[:2] == [f"{place}: {what}" for place, what in flaws.items()]
    assert result.stdout.endswith("\n2 flaws.\n")
    told = msgspec.json.decode(run("receipts", "audit", "--json").stdout)
    assert told["findings"] == [{"place": place, "what": what} for place, what in flaws.items()]
    assert told["logs"] == [{"origin": LOG, "size": 16, "waiting": 0, "checkpoints": 1}]


def test_a_log_that_is_not_there(run: Run, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLYGATE_DATABASE_URL", database_url)
    result = run("receipts", "audit")
    assert (result.exit_code, result.stdout) == (0, "There is no log yet.\n")
    assert msgspec.json.decode(run("receipts", "audit", "--json").stdout)["logs"] == []


def test_a_key_set_that_is_none_is_refused(run: Run, proven: Proven, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{}")
    assert run("receipts", "audit", "--keys", str(tmp_path / "keys.json")).exit_code == 2
    (tmp_path / "keys.json").write_bytes(msgspec.json.encode(proven.keys.public))
    assert run("receipts", "audit", "--keys", str(tmp_path / "keys.json")).exit_code == 0
