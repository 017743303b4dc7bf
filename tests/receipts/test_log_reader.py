"""What the log tells strangers: proofs that verify, tiles that anybody can build the tree from, nothing unpublished."""

from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import pytest

from tallygate.receipts import checkpoint, log_reader, merkle, note, tiles, tlog_proof
from tallygate.receipts.high_water import HighWater
from tallygate.receipts.key_file import LogKeys
from tallygate.receipts.log_writer import LogWriter
from tallygate.receipts.tiles import DamagedTree, TileName, TileNodes
from tallygate.store.address import DatabaseAddress
from tallygate.store.driver import DriverConnection
from tallygate.store.epochs import begin_life
from tallygate.store.log import claim_log, open_log, read_last_checkpoint
from tests.receipts import trees
from tests.receipts.logs import Clock, add_receipts, make_keys, make_receipts

ORIGIN = "example.com/log"
ENTRIES = [row.entry for row in make_receipts(300)]


@pytest.fixture
def keys() -> LogKeys:
    return make_keys(ORIGIN)


@pytest.fixture
def connection(address: DatabaseAddress, keys: LogKeys, tmp_path: Path) -> Generator[DriverConnection]:
    """A log with checkpoints of 3 and 300, and 5 entries that no checkpoint covers yet."""
    life, clock, vkey = begin_life(address, "test"), Clock(), keys.signer.verifier.vkey
    with closing(open_log(address)) as opened:
        claim_log(opened, ORIGIN, vkey, 1)
        writer = LogWriter(opened, address, keys, HighWater(tmp_path / "high-water", vkey), clock_ns=clock)
        for count in (3, 297):
            clock.pass_s(1)
            add_receipts(address, count)
            assert writer.take_turn(life.epoch).signed is not None
        add_receipts(address, 5)
        assert writer.take_turn(life.epoch).appended == 5
        yield opened
    life.end()


def test_every_leaf_has_a_proof_that_a_stranger_accepts(connection: DriverConnection, keys: LogKeys) -> None:
    for index in (0, 1, 2, 3, 255, 256, 299):
        data = log_reader.prove_inclusion(connection, ORIGIN, index)
        assert data is not None
        proof = tlog_proof.read(data)
        signed = note.parse(proof.checkpoint)
        note.verify(signed, [keys.signer.verifier.vkey])
        head = checkpoint.read(signed.text)
        assert (proof.index, head.origin, head.size) == (index, ORIGIN, 300)
        leaf = merkle.leaf_hash(ENTRIES[index])
        assert merkle.verify_inclusion(index, head.size, leaf, proof.path, head.root)
        assert head.root == trees.mth(ENTRIES)


def test_a_proof_under_an_older_checkpoint(connection: DriverConnection) -> None:
    data = log_reader.prove_inclusion(connection, ORIGIN, 2, size=3)
    assert data is not None
    assert list(tlog_proof.read(data).path) == trees.path(2, ENTRIES[:3])
    assert log_reader.prove_inclusion(connection, ORIGIN, 3, size=3) is None
    assert log_reader.prove_inclusion(connection, ORIGIN, 2, size=4) is None


def test_what_is_not_published_is_not_shown(connection: DriverConnection) -> None:
    assert log_reader.prove_inclusion(connection, ORIGIN, 300) is None
    assert log_reader.prove_inclusion(connection, ORIGIN, -1) is None
    assert log_reader.prove_consistency(connection, ORIGIN, 300, 301) is None
    assert log_reader.prove_consistency(connection, ORIGIN, 5, 4) is None
    assert log_reader.read_tile(connection, ORIGIN, TileName(0, 1, 45)) is None
    assert log_reader.read_tile(connection, ORIGIN, TileName(None, 1, 45)) is None
    assert log_reader.read_tile(connection, ORIGIN, TileName(2, 0, 1)) is None
    assert log_reader.prove_inclusion(connection, "example.com/other", 0) is None
    assert log_reader.read_range(connection, "example.com/other").size == 0


def test_any_two_sizes_are_consistent(connection: DriverConnection) -> None:
    for old, new in ((0, 300), (3, 300), (7, 255), (256, 257), (300, 300)):
        proof = log_reader.prove_consistency(connection, ORIGIN, old, new)
        assert proof is not None
        assert (proof.old_root, proof.new_root) == (trees.mth(ENTRIES[:old]), trees.mth(ENTRIES[:new]))
        assert merkle.verify_consistency(old, new, proof.path, proof.old_root, proof.new_root)


def test_a_monitor_builds_the_tree_from_tiles_and_entries(connection: DriverConnection) -> None:
    served = {
        path: log_reader.read_tile(connection, ORIGIN, tiles.read_name(path))
        for path in ("0/000", "0/001.p/44", "1/000.p/1", "entries/000", "entries/001.p/44")
    }
    bundle = (served["entries/000"] or b"") + (served["entries/001.p/44"] or b"")
    assert bundle == b"".join(b"\x00\x20" + entry for entry in ENTRIES)
    hashes = {(0, 0): served["0/000"], (0, 1): served["0/001.p/44"], (1, 0): served["1/000.p/1"]}
    nodes = TileNodes(lambda level, index: hashes[level, index] or b"")
    assert merkle.root(300, nodes) == trees.mth(ENTRIES)
    assert served["0/000"] == b"".join(merkle.leaf_hash(entry) for entry in ENTRIES[:256])
    older = log_reader.read_tile(connection, ORIGIN, TileName(0, 1, 10))
    assert older == (served["0/001.p/44"] or b"")[:320]


def test_the_mountain_range_has_the_checkpoint_s_root(connection: DriverConnection) -> None:
    published = read_last_checkpoint(connection, ORIGIN)
    assert published is not None
    seen = log_reader.read_range(connection, ORIGIN)
    assert (seen.size, seen.root) == (300, checkpoint.read(note.parse(published.note).text).root)


@pytest.mark.parametrize(
    "change", ["UPDATE log_tiles SET hashes = ?", "UPDATE log_entries SET entry = substr(?, 1, 32)"]
)
def test_no_false_proof_is_handed_out(connection: DriverConnection, change: str) -> None:
    connection.fetch(change, (bytes(8192),))  # pyright: ignore[reportArgumentType]
    with pytest.raises(DamagedTree):
        log_reader.prove_inclusion(connection, ORIGIN, 5)


def test_a_tile_that_is_gone_is_told(connection: DriverConnection) -> None:
    connection.fetch("DELETE FROM log_tiles")
    for name in (TileName(0, 0), TileName(1, 0, 1)):
        with pytest.raises(DamagedTree, match="not whole"):
            log_reader.read_tile(connection, ORIGIN, name)
