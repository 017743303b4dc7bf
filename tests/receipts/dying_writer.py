"""A process that takes turns at a log until it kills itself, without a word, at a given step.

A step is every statement sent, before and after; every checkpoint signed, before and after; the high-water mark, before
and after, and just before its file takes its place. Arguments: database, folder, step, time in seconds.
"""

import itertools
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, LiteralString

from msgspec import structs

from tallygate.genai.secret import Secret
from tallygate.receipts import note
from tallygate.receipts.high_water import HighWater
from tallygate.receipts.key_file import read_key_file
from tallygate.receipts.log_writer import LogWriter
from tallygate.store.address import parse_address
from tallygate.store.driver import DriverConnection
from tallygate.store.epochs import begin_life
from tallygate.store.registry import Row, Value
from tests.receipts.logs import SECOND_NS, Clock

TURNS = 3

_steps = itertools.count(1)
_last = 0


def step() -> None:
    """One more step; the last one is the end."""
    if next(_steps) == _last:
        os.kill(os.getpid(), signal.SIGKILL)


def watch(event: str, _: tuple[Any, ...]) -> None:
    """The high-water mark's file takes its place by a rename."""
    if event == "os.rename":
        step()


class DyingConnection(DriverConnection):
    """Each statement is two steps."""

    def fetch(self, sql: LiteralString, values: Sequence[Value] = ()) -> list[Row]:
        step()
        rows = super().fetch(sql, values)
        step()
        return rows


class DyingSigner(note.Signer):
    """Each signature is two steps."""

    __slots__ = ()

    def sign(self, text: str) -> bytes:
        step()
        signed = super().sign(text)
        step()
        return signed


class DyingMark(HighWater):
    """Each rise is two steps, and the rename within it a third."""

    def rise(self, signed: bytes) -> bool:
        step()
        risen = super().rise(signed)
        step()
        return risen


def main() -> None:
    """Take turns, and end in good order if the last step never comes."""
    global _last
    database_url, folder, last, now_s = sys.argv[1:]
    address = parse_address(database_url, Path())
    keys = read_key_file(Secret((Path(folder) / "keys").read_text()))
    signer = DyingSigner(keys.origin, keys.signer._key.private_bytes_raw())
    mark = DyingMark(Path(folder) / "high-water", signer.verifier.vkey)
    clock = Clock(int(now_s) * SECOND_NS)
    life = begin_life(address, "dying")
    connection = DyingConnection(address)
    writer = LogWriter(connection, address, structs.replace(keys, signer=signer), mark, clock_ns=clock)
    sys.addaudithook(watch)
    _last = int(last)
    for _ in range(TURNS):
        writer.take_turn(life.epoch)
        clock.pass_s(1)
    connection.close()
    life.end()


if __name__ == "__main__":
    main()
