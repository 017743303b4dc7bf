"""A process that owns holds, to be killed, stopped and woken. `Owner` talks to it; run as a program, this file is it.

It does what it is told, one line at a time, through a real writer, and answers each line with one.
"""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

from tallygate.genai.book import Hold
from tallygate.genai.items import Progress, Settlement, TopUp
from tallygate.genai.results import Held
from tallygate.ledger.fold import fold
from tallygate.receipts.receipt import complete
from tallygate.store.address import DatabaseAddress, parse_address
from tallygate.store.writer import Writer
from tests.fakes.ledger import ask
from tests.fakes.receipts import DRAFT

ROOT = Path(__file__).resolve().parents[2]


class Owner:
    """The other end of the process. Use as a context manager; it is killed at the end."""

    def __init__(self, address: DatabaseAddress) -> None:
        url = address.target.reveal()
        if "://" not in url:
            url = f"sqlite:///{url}"
        self._child = subprocess.Popen(
            [sys.executable, "-m", "tests.fakes.owner", url],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.epoch = self._hear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def tell(self, line: str) -> str:
        """Have it do something, and wait for its answer."""
        assert self._child.stdin
        self._child.stdin.write(line + "\n")
        self._child.stdin.flush()
        return self._hear()

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        with self._child:
            self._child.kill()

    def stop(self) -> None:
        """SIGSTOP, and wait until it stands still."""
        self._child.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._child.pid, os.WSTOPPED | os.WNOWAIT)

    def wake(self) -> None:
        """SIGCONT."""
        self._child.send_signal(signal.SIGCONT)

    def _hear(self) -> str:
        assert self._child.stdout
        return self._child.stdout.readline().strip()


class _Desk:
    """What the process can do."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._holds: dict[str, Hold] = {}
        self._beats = 0

    async def do(self, line: str) -> str:
        verb, *words = line.split()
        if verb == "admit":
            hold_id, amount = words
            result = await self._writer.admit(ask(hold_id, int(amount), epoch=self._writer.epoch, slots_max=10_000))
            if isinstance(result, Held):
                self._holds[hold_id] = result.hold
            return type(result).__name__
        if verb == "note":
            hold = self._holds[words[0]]
            amount = int(words[1])
            self._writer.note(
                Progress(hold=hold, epoch=hold.epoch, input_tokens=1, output_tokens=1, amount_nusd=amount)
            )
            return await self._wait()
        if verb == "beat":
            self._writer.beat()
            return await self._wait()
        assert verb == "settle"
        hold = self._holds[words[0]]
        return type(
            await self._writer.settle(Settlement(hold=hold, epoch=hold.epoch, amount_nusd=1, receipt=DRAFT))
        ).__name__

    async def _wait(self) -> str:
        """Until everything before this is committed."""
        self._beats += 1
        await self._writer.change(TopUp(f"{self._writer.epoch}-{self._beats}", "w2", 1, "promo"))
        return "done"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def _serve(url: str) -> None:
    writer = Writer(
        parse_address(url, Path()), fold, complete, owner=f"owner:{os.getpid()}", on_broken=lambda _: os._exit(1)
    )
    writer.start()
    desk = _Desk(writer)
    _say(writer.epoch)
    while line := await asyncio.to_thread(sys.stdin.readline):
        _say(await desk.do(line))


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
