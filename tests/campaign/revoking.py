"""Lines to every worker of a gateway, kept open, on which one key is used again and again while it is taken away.

Each request notes when its first byte leaves. What left after the revocation was acknowledged must not be served,
whichever worker it comes to.
"""

import asyncio
import json
import os
import signal
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from tests.campaign.plan import Plan, write_request
from tests.faults.caller import Line, Torn, read_body, read_head


class Said(NamedTuple):
    """One answer: when its request began to leave, which worker was asked, and the status."""

    left_s: float
    worker: int
    status: int


class Told(NamedTuple):
    """An answer of the admin's doors, and when all of it had come."""

    status: int
    data: Any
    at_s: float


async def send(line: Line, method: str, path: str, key: str, body: bytes) -> tuple[float, int, bytes]:
    """One request on an open line: when its first byte left, the status and the body. Raises Torn."""
    head = f"{method} {path} HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {key}\r\n"
    head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    left_s = time.monotonic()
    line[1].write(head.encode() + body)
    status, pairs = await read_head(line[0])
    return left_s, status, b"".join([data async for data in read_body(line[0], status, dict(pairs))])


class Lines:
    """Open lines to a gateway, so many to each of its workers."""

    def __init__(self, port: int, workers: list[int], each: int) -> None:
        self._port, self._workers, self._each = port, workers, each
        self.by_worker: list[tuple[int, Line]] = []

    async def open(self) -> None:
        """Open each worker's share. Who accepts a line is the system's choice, so all others are held meanwhile."""
        for worker in self._workers:
            with held(pid for pid in self._workers if pid != worker):
                for _ in range(self._each):
                    line = await asyncio.open_connection("127.0.0.1", self._port)
                    await send(line, "GET", "/health", "none", b"")
                    self.by_worker.append((worker, line))

    async def close(self) -> None:
        """Close them all."""
        lines = [line for _, line in self.by_worker]
        for line in lines:
            line[1].close()
        await asyncio.gather(*(line[1].wait_closed() for line in lines), return_exceptions=True)

    async def administer(self, key: str, method: str, path: str, body: Any = None) -> Told:
        """One request of the admin, on a line of its own."""
        line = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            raw = b"" if body is None else json.dumps(body).encode()
            _, status, answer = await send(line, method, f"/v1/admin/{path}", key, raw)
            return Told(status, json.loads(answer).get("data"), time.monotonic())
        finally:
            line[1].close()


@contextmanager
def held(pids: Iterable[int]) -> Generator[None]:
    """Processes that stand still: each answers nothing until they go on. What reached them before waits in them."""
    stopped = tuple(pids)
    try:
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        for pid in stopped:
            while not is_stopped(pid):
                pass  # a signal is on its way for some microseconds
        yield
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)


def is_stopped(pid: int) -> bool:
    """Whether a process stands still (proc(5), /proc/pid/stat: the state follows the name in parentheses)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


class Race:
    """One key used on every line while it is taken away."""

    def __init__(self, lines: Lines, key: str, plan: Plan) -> None:
        self._lines, self._key = lines, key
        self._path, self._body = write_request(plan)
        self._over = asyncio.Event()
        self.said: list[Said] = []

    async def run(self, take_away: "asyncio.Future[Told] | asyncio.Task[Told]") -> Told:
        """Use it until it is gone, and once more on every line after that."""
        users = [asyncio.create_task(self._use(worker, line)) for worker, line in self._lines.by_worker]
        try:
            told = await take_away
        finally:
            self._over.set()
            await asyncio.gather(*users)
        await asyncio.gather(*(self._ask(worker, line) for worker, line in self._lines.by_worker))
        return told

    async def _use(self, worker: int, line: Line) -> None:
        while not self._over.is_set():
            await self._ask(worker, line)

    async def _ask(self, worker: int, line: Line) -> None:
        with suppress(Torn):
            left_s, status, _ = await send(line, "POST", self._path, self._key, self._body)
            self.said.append(Said(left_s, worker, status))
