"""The thread that gives receipts their place in the log, in whichever process has the turn.

Every process runs one; all but one only watch. It has a connection of its own and stands in nobody's way: calls are
answered whether or not it gets on. What a turn does, and in which order, stands in `log_writer`.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress

from tallygate.genai.price_row import PriceRow
from tallygate.receipts.high_water import BadMark, HighWater
from tallygate.receipts.key_file import LogKeys
from tallygate.receipts.log_writer import LogRefused, LogWriter, Turn
from tallygate.receipts.record import Record
from tallygate.store.address import DatabaseAddress
from tallygate.store.book import Broken
from tallygate.store.driver import DriverConnection, DriverError
from tallygate.store.log import claim_log, open_log
from tallygate.store.refusal import DatabaseUnusable

logger = logging.getLogger("tallygate.receipts")

LOOK_S = 1.0
"""How often it looks for what other processes have settled, and whether the one that had the turn is gone."""
PAUSE_S = 2.0
"""How long it waits after something went wrong."""
PATIENCE_S = 60.0
"""How long turns may fail, for whatever reason but the database's, before that counts as a refusal."""
RECORD_S = 5.0
"""How often it looks for prices that are not on record."""
HANG_S = 5.0
"""A turn takes milliseconds. At the end one that hangs is cut."""


def bind_log(address: DatabaseAddress, keys: LogKeys, now_ns: int) -> None:
    """Bind a database to the log of these keys at the first use, and hold every later start to it.

    Raises DatabaseUnusable, log.LogMismatch.
    """
    try:
        with closing(open_log(address)) as connection:
            claim_log(connection, keys.origin, keys.signer.verifier.vkey, now_ns)
    except DriverError as error:
        raise DatabaseUnusable(f"The database {address.shown} does not take the log: {error}") from error


class Sequencer:
    """Start it once, after any fork. `epoch` gives the name of this process's present life, `list_prices` the prices
    that its calls are made at.

    `on_broken` is called when the disk cannot be trusted any more, and has to end the process.
    """

    def __init__(
        self,
        address: DatabaseAddress,
        keys: LogKeys,
        high_water: HighWater,
        epoch: Callable[[], str],
        list_prices: Callable[[], Sequence[PriceRow]],
        *,
        on_broken: Callable[[Exception], None],
        open_connection: Callable[[DatabaseAddress], DriverConnection] = open_log,
        clock_ns: Callable[[], int] = time.time_ns,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._address = address
        self._keys = keys
        self._high_water = high_water
        self._epoch = epoch
        self._list_prices = list_prices
        self._on_broken = on_broken
        self._open_connection = open_connection
        self._clock_ns = clock_ns
        self._patience_s = patience_s
        self._closing = threading.Event()
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._run, name="receipts-sequencer", daemon=True)
        self._looked = threading.Event()
        self._refusal = f"The log {keys.origin} was not looked at yet."
        # The rest is the thread's own; others only look, to cut it.
        self._connection: DriverConnection | None = None
        self._writer: LogWriter | None = None
        self._record: Record | None = None
        self._recorded_s = -RECORD_S
        self._failing_since_s: float | None = None

    @property
    def refusal(self) -> str:
        """Why no checkpoint is signed any more, ready to print; empty while all is well."""
        return self._refusal

    def start(self) -> None:
        """Bind the database to the log, start the thread and await its first turn, so that no call is taken before it
        is known whether the log is sound. Raises DatabaseUnusable, log.LogMismatch.
        """
        bind_log(self._address, self._keys, self._clock_ns())
        self._thread.start()
        self._looked.wait(HANG_S)

    def wake(self) -> None:
        """Something was settled: there may be receipts without a place. Called from any thread."""
        self._woken.set()

    def close(self) -> None:
        """Take what is there in, hand the turn to another process, and end the thread."""
        self._closing.set()
        self._woken.set()
        self._thread.join(HANG_S)
        connection = self._connection
        if self._thread.is_alive() and connection is not None:
            connection.cut()
            self._thread.join(HANG_S)

    # From here on: the thread.

    def _run(self) -> None:
        while not self._closing.is_set():
            # Cleared before the turn looks, so that what comes during it is not missed.
            self._woken.clear()
            turn = self._take_turn()
            self._looked.set()
            self._rest(turn)
        self._take_turn()
        self._drop_connection(give=True)

    def _take_turn(self) -> Turn | None:
        """None: something went wrong."""
        try:
            turn = self._work()
        except Broken as error:
            logger.critical("the database's disk did not keep what was written: %s", error.__cause__)
            self._on_broken(error)
            self._closing.set()
        except (LogRefused, BadMark) as error:
            self._refuse(str(error))
            self._drop_connection(give=True)
        except (DriverError, DatabaseUnusable) as error:
            # Without the database no call is begun anyway.
            logger.warning("the log waits: %s", error)
            self._drop_connection(give=False)
        except OSError as error:
            logger.warning("the log waits: %s", error)
            self._lose_patience(str(error))
        except Exception as error:
            logger.exception("a turn at the log failed and is tried again")
            self._lose_patience(type(error).__name__)
        else:
            self._failing_since_s = None
            self._refuse("")
            return turn
        return None

    def _lose_patience(self, why: str) -> None:
        """Let another process try. What does not pass leaves receipts without proof, as a refusal does."""
        self._drop_connection(give=True)
        now_s = time.monotonic()
        if self._failing_since_s is None:
            self._failing_since_s = now_s
        if now_s - self._failing_since_s >= self._patience_s:
            self._refuse(f"The log {self._keys.origin} cannot be signed, and this does not pass: {why}.")

    def _work(self) -> Turn:
        writer, record = self._open()
        record.put_used(self._list_prices(), self._clock_ns())
        turn = writer.take_turn(self._epoch())
        now_s = time.monotonic()
        if turn.held and now_s - self._recorded_s >= RECORD_S:
            if record.bring_up_to_date(self._clock_ns()):
                self._woken.set()  # there may be more, and all of it waits for its leaf
            else:
                self._recorded_s = now_s
        return turn

    def _rest(self, turn: Turn | None) -> None:
        if turn is None:
            self._closing.wait(PAUSE_S)
            return
        if turn.more:
            return
        # Until a checkpoint may be signed again, whatever arrives gathers: it could not be proved earlier anyway.
        if turn.due_ns:
            self._closing.wait(turn.due_ns / 1e9)
        if turn.signed is not None or not turn.due_ns:
            self._woken.wait(LOOK_S)

    def _refuse(self, text: str) -> None:
        if text and text != self._refusal:
            logger.critical("%s", text)
        elif self._refusal and not text and self._looked.is_set():
            logger.warning("the log %s is sound again and is signed", self._keys.origin)
        self._refusal = text

    def _open(self) -> tuple[LogWriter, Record]:
        if self._connection is None or self._writer is None or self._record is None:
            self._connection = self._open_connection(self._address)
            self._record = Record(self._connection, self._keys)
            self._writer = LogWriter(
                self._connection, self._address, self._keys, self._high_water, clock_ns=self._clock_ns
            )
        return self._writer, self._record

    def _drop_connection(self, *, give: bool) -> None:
        connection, self._connection = self._connection, None
        writer, self._writer = self._writer, None
        if connection is None:
            return
        if give and writer is not None:
            with suppress(DriverError):
                writer.give_turn(self._epoch())
        connection.close()
