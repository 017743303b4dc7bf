"""A log beside running doors: puts receipts of calls into the database and takes the sequencer's turns by hand.

Receipts, tree and checkpoints are made by the gateway's own code; only the clock is set by hand.
"""

from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, LiteralString

from tallygate.receipts.entries import digest_body
from tallygate.receipts.high_water import HighWater
from tallygate.receipts.key_file import LogKeys
from tallygate.receipts.log_writer import LogWriter
from tallygate.receipts.receipt import complete
from tallygate.receipts.record import Record
from tallygate.store.address import DatabaseAddress
from tallygate.store.driver import DriverConnection
from tallygate.store.epochs import begin_life
from tallygate.store.log import claim_log, open_log
from tallygate.store.receipt_rows import ReceiptRow
from tallygate.store.rows import KeyRecord
from tests.fakes.past import Past
from tests.receipts import making
from tests.receipts.logs import Clock, insert

KEYS: Final = LogKeys(
    issuer="Example Lab",
    origin=making.LOG,
    signer=making.SIGNER,
    not_before_ms=0,
    not_after_ms=None,
    subject_key=b"\x09" * 32,
    public=making.pin(),
)


class Log:
    """The log of `KEYS` in a database. Belongs to the thread that opened it."""

    def __init__(self, address: DatabaseAddress, connection: DriverConnection, folder: Path, epoch: str) -> None:
        self._past = Past(address)
        self._connection = connection
        self._clock = Clock()
        high_water = HighWater(folder / "high-water", KEYS.signer.verifier.vkey)
        self._writer = LogWriter(connection, address, KEYS, high_water, clock_ns=self._clock)
        self._epoch = epoch

    def write(self, key: KeyRecord, **changes: Any) -> str:
        """A paid call of a key, and its receipt, which waits for its leaf. Gives the id. `changes` are the draft's."""
        self._claim()
        ((sequence,),) = self._connection.fetch(
            "SELECT coalesce(max(sequence), 0) + 1 FROM receipts WHERE workspace_id = ?", (key.workspace_id,)
        )
        call_id = self._past.call(key)
        body = complete(
            making.draft(**changes), making.post(id=call_id, workspace_id=key.workspace_id, sequence=sequence)
        )
        row = ReceiptRow(
            call_id, key.workspace_id, sequence, body, making.SEED, log=KEYS.origin, entry=digest_body(body)
        )
        insert(self._connection, [row])
        return call_id

    def _claim(self) -> None:
        """The log begins with what is first written: whom a test has made before is not in it."""
        claim_log(self._connection, KEYS.origin, KEYS.signer.verifier.vkey, 1)

    def write_many(self, key: KeyRecord, count: int) -> list[str]:
        """As many receipts."""
        return [self.write(key) for _ in range(count)]

    def record(self) -> None:
        """Put keys and prices on record, as entries that wait for their leaf."""
        self._claim()
        record = Record(self._connection, KEYS)
        while record.bring_up_to_date(self._clock()):
            pass

    def append(self) -> None:
        """Give all that waits its leaf, without a checkpoint that covers it, because the last one is too young."""
        assert self._writer.take_turn(self._epoch).signed is None

    def publish(self) -> int:
        """Give all that waits its leaf and publish a checkpoint. Gives its size."""
        self._claim()
        self._clock.pass_s(2)
        signed = self._writer.take_turn(self._epoch).signed
        assert signed is not None
        return signed.size

    def run(self, sql: LiteralString, values: tuple[Any, ...] = ()) -> None:
        """Spoil or erase something: one statement."""
        self._connection.fetch(sql, values)


@contextmanager
def open_test_log(address: DatabaseAddress, folder: Path) -> Generator[Log]:
    """The log, until the block ends."""
    life = begin_life(address, "test")
    with closing(open_log(address)) as connection:
        yield Log(address, connection, folder, life.epoch)
    life.end()
