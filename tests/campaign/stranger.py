"""A stranger who has nothing but the public log's address, and never forgets: it looks at the checkpoint all the time,
keeps every one it was ever shown, and asks in the end how they lead to the last.
"""

import base64
import http.client
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, Self

from tests.campaign.judge import Violation
from tests.campaign.tree import BadNote, Head, is_continued, read_head

EVERY_S = 0.05
TIMEOUT_S = 2.0
OLD_S = 1.0
"""What is served is at most so old, says docs/reference/receipt-doors.md."""

Ports = Callable[[], list[int]]


class Sight(NamedTuple):
    """A checkpoint of that size had been shown to the stranger by that time."""

    at_s: float
    size: int


class Stranger:
    """Looks from a thread of its own, for the length of a `with` block, again if wanted; what it knows it keeps.

    `ports` gives the doors that stand, `vkey` is the one key that it believes.
    """

    def __init__(self, ports: Ports, vkey: str) -> None:
        self._ports, self.vkey = ports, vkey
        self._stop = threading.Event()
        self.seen: dict[bytes, Head] = {}
        self.looks = 0
        self.found: list[Violation] = []
        self._sights: list[Sight] = []

    def __enter__(self) -> Self:
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="stranger", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(EVERY_S):
            for port in self._ports():
                with suppress(OSError, http.client.HTTPException):
                    self._look(port)

    def _look(self, port: int) -> None:
        begun_s = time.monotonic()
        status, note = get(port, "/log/checkpoint")
        self.looks += 1
        if status == 404 and not self.seen:
            return
        if status == 200:
            self._see(begun_s, note)
        elif status not in (429, 500, 503):  # a database that is away is no lie
            self.found.append(Violation("P5", "checkpoint", f"was there, and now there is a {status}"))

    def _see(self, begun_s: float, note: bytes) -> None:
        head = self.seen.get(note)
        if head is None:
            try:
                head = read_head(note, self.vkey)
            except BadNote as error:
                self.found.append(Violation("P5", "checkpoint", f"{error}"))
                return
            self.seen[note] = head
            self._sights.append(Sight(time.monotonic(), head.size))
        known = max((sight.size for sight in self._sights if sight.at_s < begun_s - OLD_S), default=0)
        if head.size < known:
            shown = f"{head.size} is shown, though {known} had been shown more than a second before"
            self.found.append(Violation("P5", "checkpoint", shown))

    @property
    def last(self) -> Head:
        """The largest tree it was ever shown."""
        return max(tuple(self.seen.values()), key=lambda head: head.size, default=Head("", 0, b""))

    def prove(self, port: int) -> list[Violation]:
        """Ask for the proof from each checkpoint that it remembers to the last one; what does not hold."""
        found: list[Violation] = []
        last = self.last
        # It may still be looking: what it sees from here on is not asked about.
        for head in tuple(self.seen.values()):
            status, body = get(port, f"/log/consistency?old={head.size}&new={last.size}")
            path = [base64.b64decode(line) for line in body.split(b"\n")[:-1]] if status == 200 else []
            if status != 200 or not is_continued(head, last, path):
                shown = f"is not continued by {last}: {status} {body[:200]!r}"
                found.append(Violation("P5", f"checkpoint {head}", shown))
        return found


def get(port: int, path: str, key: str = "") -> tuple[int, bytes]:
    """Status and body. Raises OSError, HTTPException."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        link.request("GET", path, headers={"authorization": f"Bearer {key}"} if key else {})
        reply = link.getresponse()
        return reply.status, reply.read()
    finally:
        link.close()
