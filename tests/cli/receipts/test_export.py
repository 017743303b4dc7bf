"""`receipts export`: what is written verifies without the database, is whole, and is written once."""

import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from tallygate.receipts.bundle import read_bundle
from tallygate.store.address import DatabaseAddress
from tallygate.store.database import Database
from tests.cli.calling import Run
from tests.fakes.proven import Proven, call, prove, sign


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
    proven = prove(address, database, tmp_path / "data")
    (tmp_path / "keys.json").write_bytes(msgspec.json.encode(proven.keys.public))
    return proven


def export(run: Run, *options: str) -> dict[str, Any]:
    """What was exported of acme."""
    result = run("receipts", "export", "--workspace", "acme", *options, "--json")
    assert result.exit_code == 0, result.output
    return msgspec.json.decode(result.stderr if "--dir" not in options else result.stdout)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_exported_verifies_without_the_database(run: Run, proven: Proven, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    told = export(run, "--dir", str(folder))
    assert told == {"receipts": 5, "prices": 1, "pending": 0, "erased": 0, "through": 5, "written": 6}
    assert names(folder) == [*(f"0000000{n + 1}-c{n}.json" for n in range(5)), f"price-{proven.price}.json"]
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in folder.iterdir())
    shutil.rmtree(tmp_path / "data")
    (tmp_path / "tallygate.db").unlink(missing_ok=True)
    files = [str(path) for path in sorted(folder.iterdir())]
    result = run("receipts", "verify", *files, "--keys", str(tmp_path / "keys.json"))
    assert (result.exit_code, "6 verified, 0 failed, 0 not enough." in result.stdout) == (0, True), result.output
    result = run("receipts", "verify", *files, "--keys", str(tmp_path / "keys.json"), "--json")
    told = msgspec.json.decode(result.stdout)
    notes = [check["note"] for one in told["files"] for check in one["checks"] if check["name"] == "charge"]
    assert notes == ["it is the price times the usage"] * 5
    assert run("receipts", "gaps", *files).exit_code == 0


@pytest.mark.usefixtures("proven")
def test_lines_go_to_stdout_and_nothing_else_does(run: Run, tmp_path: Path) -> None:
    result = run("receipts", "export", "--workspace", "acme", "--after-seq", "3")
    assert result.stderr == "2 receipts and 1 price, 3 of these new. To go on later: --after-seq 5\n"
    (tmp_path / "all.jsonl").write_text(result.stdout)
    verified = run("receipts", "verify", str(tmp_path / "all.jsonl"), "--keys", str(tmp_path / "keys.json"))
    assert (verified.exit_code, "3 verified" in verified.stdout) == (0, True), verified.output


def test_it_goes_on_where_it_ended(run: Run, proven: Proven, address: DatabaseAddress, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    export(run, "--dir", str(folder))
    before = {path: (path.stat().st_ino, path.read_bytes()) for path in folder.iterdir()}
    call(address, proven.acme, proven.price, ["c5", "c6"])
    told = export(run, "--dir", str(folder))
    assert (told["receipts"], told["pending"], told["through"], told["written"]) == (5, 2, 5, 0)
    sign(address, proven.keys, tmp_path / "data")
    told = export(run, "--dir", str(folder))
    assert (told["receipts"], told["pending"], told["through"], told["written"]) == (7, 0, 7, 2)
    # An older proof is as good as a newer one: what was there was left alone.
    assert before == {path: (path.stat().st_ino, path.read_bytes()) for path in before}
    assert export(run, "--after-seq", "5", "--dir", str(folder))["receipts"] == 2


@pytest.mark.usefixtures("proven")
def test_a_file_that_is_spoilt_or_opens_less_is_written_anew(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    export(run, "--dir", str(folder))
    file = folder / "00000003-c2.json"
    whole = file.read_bytes()
    file.write_bytes(whole[:100])
    assert export(run, "--dir", str(folder))["written"] == 1
    assert file.read_bytes() == whole
    # Nothing was committed to in these receipts, so there is nothing to open.
    assert export(run, "--openings", "--dir", str(folder))["written"] == 0
    assert read_bundle(file.read_bytes()).openings == {}


def test_what_is_gone_is_counted(run: Run, proven: Proven, database: Database, tmp_path: Path) -> None:
    with database.writing() as connection:
        connection.execute(text("UPDATE receipts SET body = NULL, seed = NULL WHERE id = 'c1'"))
    told = export(run, "--dir", str(tmp_path / "out"))
    assert (told["receipts"], told["erased"], told["through"]) == (4, 1, 5)
    assert "1 were erased" in run("receipts", "export", "--workspace", "acme").stderr
    assert run("receipts", "export", "--workspace", "nobody").exit_code == 1


@pytest.mark.usefixtures("proven")
@pytest.mark.parametrize(
    "change",
    ["DELETE FROM log_tiles", "UPDATE log_entries SET entry = (SELECT entry FROM log_entries WHERE id = 'c1')"],
)
def test_of_a_damaged_log_nothing_false_is_exported(run: Run, database: Database, change: str) -> None:
    with database.writing() as connection:
        connection.execute(text(change))
    result = run("receipts", "export", "--workspace", "acme")
    assert result.exit_code == 1
    assert "`tallygate verify` names each flaw" in result.stderr


@pytest.mark.usefixtures("proven")
def test_no_name_out_of_the_database_leads_out_of_the_folder(run: Run, database: Database, tmp_path: Path) -> None:
    with database.writing() as connection:
        for table in ("receipts", "log_entries"):
            connection.execute(text(f"UPDATE {table} SET id = '/../../evil' WHERE id = 'c1'"))
    result = run("receipts", "export", "--workspace", "acme", "--dir", str(tmp_path / "out" / "deep"))
    assert result.exit_code == 1
    assert "is no name for a file" in result.stderr
    assert not list(tmp_path.rglob("evil*"))
