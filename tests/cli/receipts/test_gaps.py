"""`receipts gaps`: what is missing among bundles and in the database, and numbers that stand for two calls."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text

from tallygate.receipts.receipt import complete
from tallygate.store.address import DatabaseAddress
from tallygate.store.database import Database
from tests.cli.calling import Run
from tests.fakes.proven import Proven, prove
from tests.house.test_packages import SERVER_ONLY
from tests.receipts.making import LOG, bundle, draft, post
from tests.receipts.test_entries import body as price_body


def write(folder: Path, *numbers: int, name: str = "") -> list[str]:
    """Receipts with these numbers, each in a file."""
    paths = [folder / f"{number}{name}.json" for number in numbers]
    for path, number in zip(paths, numbers, strict=True):
        path.write_bytes(bundle(complete(draft(), post(id=f"call_{number}{name}", sequence=number))))
    return list(map(str, paths))


@pytest.mark.parametrize(
    ("numbers", "options", "code", "missing"),
    [
        ([1, 2, 3], [], 0, "none"),
        ([3, 1, 2], [], 0, "none"),
        ([2, 3], [], 1, "1"),
        ([2, 3], ["--after-seq", "1"], 0, "none"),
        ([1, 3, 8], [], 1, "2, 4 to 7"),
        ([5, 8], ["--after-seq", "3"], 1, "4, 6 to 7"),
    ],
)
def test_what_is_missing_among_files(
    run: Run, tmp_path: Path, numbers: list[int], options: list[str], code: int, missing: str
) -> None:
    result = run("receipts", "gaps", *write(tmp_path, *numbers), *options)
    assert result.exit_code == code, result.output
    assert f"{LOG} {len(numbers)} {min(numbers)} to {max(numbers)} {missing}" in rows(result.stdout).values()
    (told,) = msgspec.json.decode(run("receipts", "gaps", *write(tmp_path, *numbers), *options, "--json").stdout)
    assert (told["receipts"], told["first"], told["last"]) == (len(numbers), min(numbers), max(numbers))


def test_a_number_that_stands_for_two_calls_is_a_lie(run: Run, tmp_path: Path) -> None:
    files = write(tmp_path, 1, 2)
    assert run("receipts", "gaps", *files, *files).exit_code == 0
    result = run("receipts", "gaps", *files, *write(tmp_path, 2, name="b"))
    assert result.exit_code == 1
    assert result.stdout.endswith("\n2 receipts: 1 number for two calls.\n")


def test_prices_have_no_number(run: Run, tmp_path: Path) -> None:
    (tmp_path / "all.jsonl").write_bytes(b"\n".join([Path(*write(tmp_path, 1)).read_bytes(), bundle(price_body())]))
    result = run("receipts", "gaps", str(tmp_path / "all.jsonl"))
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "1 receipt: no gap.")


@pytest.mark.parametrize("data", [b"", b"{}", b"\x1b[2J"])
def test_what_is_no_bundle_is_refused(run: Run, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.json").write_bytes(data)
    result = run("receipts", "gaps", str(tmp_path / "x.json"))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.strip().isprintable()
    assert run("receipts", "gaps", str(tmp_path / "gone.json")).exit_code == 2


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


def rows(output: str) -> dict[str, str]:
    """The lines of a table by their first cell, with single blanks."""
    return {line.split()[0]: " ".join(line.split()[1:]) for line in output.splitlines() if line}


@pytest.mark.usefixtures("proven")
@pytest.mark.parametrize(
    ("change", "acme"),
    [
        ("SELECT 1", "5 1 to 5 none"),
        ("DELETE FROM receipts WHERE id = 'c0'", "4 2 to 5 1"),
        ("DELETE FROM receipts WHERE id IN ('c1', 'c2')", "3 1 to 5 2 to 3"),
        ("DELETE FROM receipts WHERE id = 'c4'", "4 1 to 4 5"),
        ("DELETE FROM receipts WHERE workspace_id = (SELECT workspace_id FROM holds WHERE id = 'c0')", "0 1 to 5"),
        ("UPDATE wallets SET next_sequence = 9 WHERE next_sequence = 6", "5 1 to 5 6 to 8"),
    ],
)
def test_what_is_missing_in_the_database(run: Run, database: Database, change: str, acme: str) -> None:
    with database.writing() as connection:
        connection.execute(text(change))
    result = run("receipts", "gaps")
    assert result.exit_code == (0 if acme.endswith("none") else 1)
    assert rows(result.stdout)["acme"] == acme
    assert rows(result.stdout)["bolt"] == "2 1 to 2 none"


def test_calls_from_before_receipts_are_not_missing(run: Run, database: Database, proven: Proven) -> None:
    with database.writing() as connection:
        for sql in (
            "DELETE FROM receipts WHERE id IN ('c0', 'c1')",
            "UPDATE logs SET created_at_ns = (SELECT ended_at_ns + 1 FROM holds WHERE id = 'c1')",
        ):
            connection.execute(text(sql))
    assert run("receipts", "gaps").exit_code == 0
    with database.writing() as connection:
        connection.execute(text("DELETE FROM receipts WHERE id = 'c2'"))
    result = run("receipts", "gaps", "--json")
    assert result.exit_code == 1
    assert [one["missing"] for one in msgspec.json.decode(result.stdout)] == [[[3, 3]], []]


def test_a_number_to_begin_behind_is_for_files(run: Run) -> None:
    assert run("receipts", "gaps", "--after-seq", "3").exit_code == 2


@pytest.mark.parametrize(
    ("verb", "code", "said"),
    [
        ("receipts gaps {file}", 0, "1 receipt: no gap."),
        ("receipts verify {file}", 2, "not together with the bundle"),
        ("receipts export --workspace acme", 1, "`tallygate receipts export` needs packages that are not here"),
        ("verify", 1, "`tallygate verify` needs packages that are not here (sqlalchemy is missing)"),
    ],
)
def test_of_bundles_it_needs_no_server(tmp_path: Path, verb: str, code: int, said: str) -> None:
    (file,) = write(tmp_path, 1)
    program = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {SERVER_ONLY!r}:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Absent())
sys.argv = ["tallygate", *{verb.format(file=file).split()!r}]
from tallygate.cli import main
main()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert said in done.stdout + done.stderr
