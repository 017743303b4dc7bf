"""`tallygate verify`: a sound database is clean on both engines, and whatever is changed in it is named."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, text

from tallygate.receipts import checkpoint, note
from tallygate.receipts.checkpoint import Checkpoint
from tallygate.store.address import DatabaseAddress
from tallygate.store.database import Database
from tests.cli.calling import Run
from tests.fakes.proven import Proven, call, prove, sign
from tests.fakes.receipts import LOG
from tests.ledger.test_audit import damage


@pytest.fixture
def proven(
    address: DatabaseAddress,
    database: Database,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    run: Run,
) -> Proven:
    """A gateway's database, and the environment that leads to it."""
    monkeypatch.setenv("TALLYGATE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("TALLYGATE_DATABASE_URL", database_url)
    return prove(address, database, tmp_path / "data")


def findings(run: Run, *options: str) -> list[str]:
    """The lines of what is wrong."""
    result = run("verify", *options)
    found = [line for line in result.stdout.splitlines() if line.startswith("  ")]
    wrong = [line.strip() for line in found if not line.endswith((": sound", " wrong"))]
    assert result.exit_code == (1 if wrong else 0), result.output
    return wrong


@pytest.mark.usefixtures("proven")
def test_a_sound_database_is_clean(run: Run) -> None:
    result = run("verify")
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    assert result.stdout == (
        "ledger\n  23 transfers, 10 calls (0 open) and 2 wallets: sound\n"
        "receipts\n  7 receipts of 7 charged calls, 1 price on record: sound\n"
        f"log\n  {LOG}: 16 entries, 0 waiting, 2 checkpoints: sound\n\nEverything holds.\n"
    )


def edit(old: bytes, new: bytes, call_id: str = "c1") -> Callable[[Connection], None]:
    """A change of a receipt's bytes."""

    def change(connection: Connection) -> None:
        found = connection.execute(text("SELECT body FROM receipts WHERE id = :id"), {"id": call_id})
        body = bytes(found.scalar_one())
        assert old in body
        values = {"id": call_id, "body": body.replace(old, new)}
        connection.execute(text("UPDATE receipts SET body = :body WHERE id = :id"), values)

    return change


def do(*statements: str, **values: Any) -> Callable[[Connection], None]:
    """A change in SQL."""

    def change(connection: Connection) -> None:
        for sql in statements:
            connection.execute(text(sql), values)

    return change


def edit_price(connection: Connection) -> None:
    """A price on record that says something else than what was set."""
    body = bytes(connection.execute(text("SELECT body FROM log_statements WHERE kind = 'price'")).scalar_one())
    changed = body.replace(b"00000002", b"00000003")
    assert changed != body
    do("UPDATE log_statements SET body = :body WHERE kind = 'price'", body=changed)(connection)


STRANGER = note.generate(LOG)
FORGED = STRANGER.sign(checkpoint.write(Checkpoint(LOG, 10, bytes(32))))

DAMAGES: dict[str, tuple[Callable[[Connection], None], list[str]]] = {
    "an amount in a receipt": (
        edit(b'"amount":"20"', b'"amount":"10"'),
        ["receipt c1: its charge.amount is 10, and the call's is 20", "entry c1: its body is not what was entered"],
    ),
    "any byte of a receipt": (
        edit(b"Test Lab", b"Test Lap"),
        ["entry c1: its body is not what was entered in the log"],
    ),
    "a number in a receipt": (edit(b'"seq":2', b'"seq":3'), ["receipt c1: its subject.seq is 3, and the call's is 2"]),
    "usage in a receipt": (edit(b'"input":3', b'"input":4'), ["receipt c1: its usage.input is 4, and the call's is 3"]),
    "a receipt that is none": (edit(b'"claims"', b'"clains"'), ["receipt c1: its body is no receipt"]),
    "a receipt of another log": (edit(b"tallygate.test/log", b"tallygate.test/lag"), [f"and stands in {LOG}"]),
    "a receipt's subject": (edit(b'"ref":"', b'"ref":"x'), ["its subject is not that of the account's other receipts"]),
    "a lost receipt": (
        do("DELETE FROM receipts WHERE id = 'c1'"),
        ["call c1: it was charged as number 2 and has no receipt", "entry c1: an entry of which there is neither"],
    ),
    "a lost first receipt": (
        do("DELETE FROM receipts WHERE id = 'c0'"),
        ["call c0: it was charged as number 1 and has no receipt"],
    ),
    "a receipt lost with its entry": (
        do(
            "DELETE FROM receipts WHERE id = 'c1'",
            "DELETE FROM log_entries WHERE id = 'c1'",
        ),
        ["call c1: it was charged as number 2 and has no receipt", "there is no entry up to leaf"],
    ),
    "a receipt from nowhere": (
        do("INSERT INTO receipts (id, workspace_id, sequence) VALUES ('c9', 'ws', 9)"),
        ["receipt c9: there is no call of this id", "entry c9: a receipt that has no place in any log"],
    ),
    "a receipt of a call that was voided": (
        do("UPDATE receipts SET id = 'c0-void' WHERE id = 'c0'"),
        ["call c0: it was charged", "receipt c0-void: its call is voided and not charged"],
    ),
    "a receipt of another account": (
        do("UPDATE receipts SET workspace_id = 'ws_other' WHERE id = 'c1'"),
        ["receipt c1: it is kept as number 2 of ws_other, and its call is number 2 of"],
    ),
    "a receipt under another number": (
        do("UPDATE receipts SET sequence = 8 WHERE id = 'c1'"),
        ["receipt c1: it is kept as number 8 of"],
    ),
    "a lost call": (
        do("DELETE FROM holds WHERE id = 'c1'"),
        ["receipt c1: there is no call of this id", "posting 2: expected one, found none", "transfer c1/post"],
    ),
    "a lost call and its lines": (
        do(
            "DELETE FROM holds WHERE id = 'c1'",
            "DELETE FROM transfers WHERE hold_id = 'c1'",
        ),
        ["receipt c1: there is no call of this id", "posted: expected"],
    ),
    "a raised charge": (
        do("UPDATE holds SET charged_nusd = 21 WHERE id = 'c1'"),
        ["receipt c1: its charge.amount is 20, and the call's is 21", "hold c1: amount of its post transfer"],
    ),
    "a charge raised in all books": (
        do(
            "UPDATE holds SET charged_nusd = 21 WHERE id = 'c1'",
            "UPDATE transfers SET amount_nusd = 21 WHERE id = 'c1/post'",
            "UPDATE wallets SET posted_nusd = posted_nusd - 1 WHERE next_sequence = 6",
        ),
        ["receipt c1: its charge.amount is 20, and the call's is 21"],
    ),
    "a lowered hold": (
        do("UPDATE holds SET amount_nusd = 50 WHERE id = 'c1'"),
        ["receipt c1: its charge.reserved is 100, and the call's is 50"],
    ),
    "another price": (
        do("UPDATE holds SET price_version = 'p9' WHERE id = 'c1'"),
        ["receipt c1: its charge.price is", "and the call's is p9"],
    ),
    "more tokens": (
        do("UPDATE holds SET output_tokens = 7 WHERE id = 'c1'"),
        ["receipt c1: its usage.output is 0, and the call's is 7"],
    ),
    "another moment": (
        do("UPDATE holds SET ended_at_ns = ended_at_ns + 1000000 WHERE id = 'c1'"),
        ["receipt c1: its issued_ms is"],
    ),
    "a gap in the numbers": (
        do("UPDATE holds SET sequence = 9 WHERE id = 'c4'"),
        ["postings 5 to 8: expected one, found none", "receipt c4: its subject.seq is 5, and the call's is 9"],
    ),
    "a wallet's next number": (
        do("UPDATE wallets SET next_sequence = 9 WHERE next_sequence = 6"),
        ["next posting: expected 6, found 9"],
    ),
    "an entry": (
        do("UPDATE log_entries SET entry = :entry WHERE id = 'c1'", entry=bytes(32)),
        ["tile 0 of level 0: hash", "entry c1: its body is not what was entered in the log"],
    ),
    "a tile": (
        do("UPDATE log_tiles SET hashes = :hashes", hashes=bytes(16 * 32)),
        [
            "tile 0 of level 0: hash 0",
            "checkpoint 16: the tree has another root",
            "high-water mark: the tree has another",
        ],
    ),
    "a lost tile": (do("DELETE FROM log_tiles"), ["tile 0 of level 0: it has 0 hashes and should have 16"]),
    "a lost checkpoint": (
        do("DELETE FROM log_checkpoints WHERE size = 16"),
        ["checkpoint 16: it was published as the last one and is missing"],
    ),
    "a forged checkpoint": (
        do("UPDATE log_checkpoints SET note = :note WHERE size = 10", note=FORGED),
        ["checkpoint 10: no key that is trusted has signed the note"],
    ),
    "a log signed anew by a stranger": (
        do("UPDATE logs SET vkey = :vkey", vkey=STRANGER.verifier.vkey),
        [f"log {LOG}: its key, {STRANGER.verifier.vkey}, is not the one at hand"],
    ),
    "a log that is gone": (do("DELETE FROM logs"), [f"high-water mark: it is of the log {LOG}, which is not there"]),
    "a lost price on record": (
        do("DELETE FROM log_statements WHERE kind = 'price'"),
        ["an entry of which there is neither"],
    ),
    "a price that was set otherwise": (
        do('UPDATE prices SET terms = \'{"call":"0.000000021"}\''),
        ["its statement says something else than what was set"],
    ),
    "a price on record": (
        edit_price,
        ["its statement says something else than what was set", "its body is not what was entered in the log"],
    ),
}


@pytest.mark.usefixtures("proven")
@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_named(run: Run, database: Database, name: str) -> None:
    change, expected = DAMAGES[name]
    damage(database)
    with database.writing() as connection:
        change(connection)
    found = findings(run)
    for words in expected:
        assert any(words in line for line in found), found


@pytest.mark.usefixtures("proven")
def test_a_backup_that_was_restored_is_named(run: Run, tmp_path: Path, proven: Proven) -> None:
    """The high-water file knows what was signed since."""
    mark = tmp_path / "data" / "log-high-water"
    later = proven.keys.signer.sign(checkpoint.write(Checkpoint(LOG, 19, bytes(32))))
    mark.write_bytes(later)
    assert findings(run) == ["high-water mark: the log was signed up to 19 entries and has 16: was a backup restored?"]
    mark.write_bytes(b"nonsense")
    (wrong,) = findings(run)
    assert wrong.startswith("high-water mark: The file ")


def test_keys_of_another_log_are_named(run: Run, proven: Proven, tmp_path: Path) -> None:
    file = tmp_path / "data" / "receipt-keys.json"
    file.write_text("nonsense")
    assert any(str(file) in line for line in findings(run))
    file.unlink()
    result = run("verify")
    assert result.exit_code == 0
    assert "No keys are at hand" in result.stderr
    published = tmp_path / "published.json"
    published.write_bytes(msgspec.json.encode(proven.keys.public))
    assert findings(run, "--keys", str(published)) == []
    published.write_bytes(msgspec.json.encode(proven.keys.public).replace(LOG.encode(), b"tallygate.test/lag"))
    assert run("verify", "--keys", str(published)).exit_code == 2


def test_calls_from_before_receipts_need_none(run: Run, database: Database, proven: Proven) -> None:
    """A database that is older than receipts: what was charged first has none, and that is no flaw."""
    with database.writing() as connection:
        for sql in (
            "DELETE FROM receipts WHERE id IN ('d0')",
            "DELETE FROM log_entries WHERE id IN ('d0')",
            "UPDATE logs SET created_at_ns = (SELECT ended_at_ns + 1 FROM holds WHERE id = 'd0')",
        ):
            connection.execute(text(sql))
    found = findings(run)
    assert not [line for line in found if line.startswith(("call", "receipt"))]
    assert "6 receipts of 7 charged calls, 1 from before there were receipts" in run("verify").stdout
    with database.writing() as connection:
        connection.execute(text("DELETE FROM receipts WHERE id = 'c3'"))
    assert "call c3: it was charged as number 4 and has no receipt" in findings(run)


def test_erased_receipts_are_counted_and_no_flaw(run: Run, database: Database, proven: Proven) -> None:
    with database.writing() as connection:
        connection.execute(text("UPDATE receipts SET body = NULL, seed = NULL WHERE id = 'c1'"))
    assert findings(run) == []
    assert "7 receipts of 7 charged calls, 1 erased" in run("verify").stdout


def test_what_waits_for_the_log_is_no_flaw(run: Run, proven: Proven, address: DatabaseAddress, tmp_path: Path) -> None:
    call(address, proven.acme, proven.price, ["c5"])
    assert findings(run) == []
    assert f"{LOG}: 16 entries, 1 waiting, 2 checkpoints" in run("verify").stdout
    sign(address, proven.keys, tmp_path / "data")
    assert f"{LOG}: 17 entries, 0 waiting, 3 checkpoints" in run("verify").stdout


def test_an_unknown_price_is_told_and_no_flaw(
    run: Run, proven: Proven, address: DatabaseAddress, tmp_path: Path
) -> None:
    call(address, proven.acme, "p9", ["c5"])
    assert findings(run) == []
    assert "1 named that nobody set and nobody recorded" in run("verify").stdout


@pytest.mark.usefixtures("proven")
def test_a_price_that_was_not_recorded_in_time_is_named(run: Run, database: Database) -> None:
    """It was set long before the log was last signed."""
    with database.writing() as connection:
        columns = "kind, name, effective_from_ns, terms, created_at_ns"
        connection.execute(text(f"INSERT INTO prices (version, {columns}) SELECT 'p9', {columns} FROM prices"))
    assert findings(run) == ["price p9: it was set and is not on record"]


@pytest.mark.usefixtures("proven")
def test_json_says_the_same(run: Run, database: Database) -> None:
    told = msgspec.json.decode(run("verify", "--json").stdout)
    assert (told["clean"], told["findings"]) == (True, [])
    assert told["read"]["receipts"]["receipts"] == 7
    assert told["read"]["logs"] == [{"origin": LOG, "size": 16, "waiting": 0, "checkpoints": 2}]
    with database.writing() as connection:
        connection.execute(text("DELETE FROM log_checkpoints WHERE size = 16"))
    result = run("verify", "--json")
    assert result.exit_code == 1
    what = "it was published as the last one and is missing"
    assert msgspec.json.decode(result.stdout)["findings"] == [{"part": "log", "place": "checkpoint 16", "what": what}]


def test_a_database_that_is_not_there_is_not_sound(run: Run, tmp_path: Path) -> None:
    result = run("verify", "--data", str(tmp_path / "wrong"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert str(tmp_path / "wrong") in result.stderr
    assert not (tmp_path / "wrong").exists()


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.usefixtures("proven")
def test_it_writes_nothing(run: Run, tmp_path: Path) -> None:
    shutil.copytree(tmp_path / "data", tmp_path / "before")
    before = (tmp_path / "tallygate.db").read_bytes()
    assert findings(run) == []
    assert (tmp_path / "tallygate.db").read_bytes() == before
    assert {path.name for path in (tmp_path / "data").iterdir()} == {
        path.name for path in (tmp_path / "before").iterdir()
    }
