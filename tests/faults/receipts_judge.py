"""Judges what a campaign's processes made of receipts and the log: by the laws of `tests.campaign.log_judge`, and with
every checkpoint remembered that was ever published, or stood in a machine's high-water file.
"""

import itertools
import time
from contextlib import closing
from pathlib import Path

from tallygate.receipts.high_water import HighWater
from tallygate.receipts.log_writer import LogWriter
from tallygate.store.address import DatabaseAddress
from tallygate.store.driver import DriverConnection
from tallygate.store.epochs import begin_life
from tests.campaign.book import read_book
from tests.campaign.judge import verdict
from tests.campaign.log_book import LogBook, is_at_rest, read_log
from tests.campaign.log_judge import judge_checkpoints, judge_growth, judge_receipts
from tests.faults.receipts_log import SECOND_NS, read_keys

TURNS_MAX = 100


class LogJudge:
    """One for a database. `machines` are folders, each with a high-water file; the first is the judge's own, too."""

    def __init__(self, address: DatabaseAddress, url: str, keys_path: Path, machines: list[Path]) -> None:
        self._address, self._url, self.machines = address, url, machines
        self._keys = read_keys(keys_path)
        self._log: LogBook | None = None
        self.seen: set[bytes] = set()

    def see(self) -> None:
        """Remember whatever anybody could have seen by now."""
        self.seen.update(read_log(self._url).checkpoints)
        self.seen.update(path.read_bytes() for one in self.machines if (path := one / "log-high-water").exists())

    def look(self) -> None:
        """Have the log taken to its end, as whoever starts next would, and judge. Raises AssertionError."""
        self.see()
        self._take_turns()
        self.see()
        log = read_log(self._url)
        found = judge_receipts(read_book(self._url), log)
        found += judge_checkpoints(log, self.seen, self._keys.signer.verifier.vkey)
        found += judge_growth(self._log, log) if self._log else []
        self._log = log
        assert not found, verdict(found)

    def _take_turns(self) -> None:
        turns, life = itertools.count(), begin_life(self._address, "judge")
        with closing(DriverConnection(self._address)) as connection:
            mark = HighWater(self.machines[0] / "log-high-water", self._keys.signer.verifier.vkey)
            writer = LogWriter(
                connection, self._address, self._keys, mark, clock_ns=lambda: time.time_ns() + next(turns) * SECOND_NS
            )
            while not is_at_rest(read_log(self._url)):
                turn = writer.take_turn(life.epoch)
                assert turn.held, "the log belongs to somebody who is not there any more"
                assert next(turns) < TURNS_MAX, f"the log does not come to rest: {turn}"
            writer.give_turn(life.epoch)
        life.end()
