"""Lines to every worker of a gateway, kept open, on which one key is used again and again while it is taken away.

Each request notes when its first byte leaves. What left after the revocation was acknowledged must not be served,
whichever worker it comes to.
"""

import asyncio
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from tests.campaign.plan import Plan, write_request
from tests.faults.caller import Line, Torn, read_body, read_head

LINES_MAX = 200


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
    """Open lines to a gateway, one to each of its workers at least."""

    def __init__(self, port: int, workers: list[int], each: int) -> None:
        self._port, self._workers, self._each = port, workers, each
        self._spare: list[Line] = []
        self.by_worker: list[tuple[int, Line]] = []

    async def open(self) -> None:
        """Open lines until every worker has its share. Who accepts a line is the system's choice."""
        missing = dict.fromkeys(self._workers, self._each)
        for _ in range(LINES_MAX):
            if not any(missing.values()):
                return
            line = await asyncio.open_connection("127.0.0.1", self._port)
            await send(line, "GET", "/health", "none", b"")
            worker = find_owner(line, self._workers)
            if missing.get(worker, 0):
                missing[worker] -= 1
                self.by_worker.append((worker, line))
            else:
                self._spare.append(line)
        raise AssertionError(f"no line to {missing}")

    async def close(self) -> None:
        """Close them all."""
        lines = [*self._spare, *(line for _, line in self.by_worker)]
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


def find_owner(line: Line, pids: list[int]) -> int:
    """The process that has the far end of a line; 0 if it is none of these (proc(5), /proc/net/tcp)."""
    near, far = line[1].get_extra_info("sockname")[1], line[1].get_extra_info("peername")[1]
    for row in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = row.split()
        if [int(end.partition(":")[2], 16) for end in fields[1:3]] == [far, near]:
            name = f"socket:[{fields[9]}]"
            return next((pid for pid in pids if name in list_open(pid)), 0)
    return 0


def list_open(pid: int) -> set[str]:
    """What a process has open."""
    names: set[str] = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            names.add(os.readlink(entry))
    return names


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
