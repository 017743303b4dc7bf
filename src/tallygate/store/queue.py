"""What the writer has to do, in the order in which it is done: ends of calls, then what somebody waits for, then notes;
bulk work where there is nothing else, or every eighth time.

Anybody may put an entry in; only the writer's thread takes them out. Nothing here touches the database.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from queue import Empty, SimpleQueue
from typing import Final

from msgspec import Struct

from tallygate.genai.items import Admission, Item, Progress, Recovery, Settlement, Void
from tallygate.genai.results import Result

BATCH_ITEMS_MAX: Final = 512
BATCH_BYTES_MAX: Final = 1024 * 1024
ASIDE_ITEMS_MAX: Final = BATCH_ITEMS_MAX // 2
"""So many of those whose rows were locked elsewhere are tried again at once: they must not crowd the others out."""
BULK_ITEMS_MAX: Final = 64
BULK_EVERY: Final = 8

Answer = asyncio.Future[Result]


class Entry(Struct, eq=False):
    """An item on its way, and who waits for what becomes of it. `failures`: how often it brought its batch down."""

    item: Item
    answer: Answer | None = None
    failures: int = 0

    @property
    def dropped(self) -> bool:
        """True if whoever asked has left and nothing was begun: then nobody wants it. An end is never dropped."""
        return (
            self.answer is not None
            and self.answer.done()
            and not isinstance(self.item, Settlement | Void | Recovery | Progress)
        )


class Batch(Struct, frozen=True):
    """What the next transaction is for. `beats`: it counts a heartbeat, too."""

    entries: list[Entry]
    beats: bool = False

    @property
    def durable(self) -> bool:
        """False if a crash of the machine may undo it: it would end the calls as well."""
        return any(not isinstance(entry.item, Admission | Progress) for entry in self.entries)


class Beat(Struct, frozen=True):
    """A sign of life."""


class Close(Struct, frozen=True):
    """Nothing more will come."""


class Queue:
    """Entries by rank, and those set aside because their rows were locked elsewhere."""

    def __init__(self) -> None:
        self._inbound: SimpleQueue[Entry | Beat | Close] = SimpleQueue()
        self._ends: deque[Entry] = deque()
        self._asked: deque[Entry] = deque()
        self._notes: deque[Entry] = deque()
        self._bulk: deque[Entry] = deque()
        self._aside: deque[Entry] = deque()
        self._beats = False
        self._closing = False
        self._turn = 0

    def put(self, arrival: Entry | Beat | Close) -> None:
        """Put something in. From any thread."""
        self._inbound.put(arrival)

    def take(self) -> Batch | None:
        """Wait until there is something to do, and take the next batch; None once closed and empty."""
        while True:
            self._gather()
            batch = self._compose()
            if batch.entries or batch.beats:
                return batch
            if self._closing:
                return None

    def count(self) -> int:
        """How many entries wait, about: other threads go on meanwhile."""
        lines = (self._ends, self._asked, self._notes, self._bulk, self._aside)
        return self._inbound.qsize() + sum(map(len, lines))

    def put_back(self, entries: Iterable[Entry]) -> None:
        """These were not done, through no fault of theirs: they come first the next time."""
        for entry in reversed(list(entries)):
            self._line_for(entry).appendleft(entry)

    def put_aside(self, entries: Iterable[Entry]) -> None:
        """Rows of these are locked elsewhere: they are tried again beside whatever comes next."""
        self._aside.extend(entries)

    def _gather(self) -> None:
        """Take in what has arrived; wait for it only where nothing is there yet."""
        waits = not (self._ends or self._asked or self._notes or self._bulk or self._aside or self._closing)
        try:
            while True:
                arrival = self._inbound.get(block=waits)
                waits = False
                match arrival:
                    case Entry():
                        self._line_for(arrival).append(arrival)
                    case Beat():
                        self._beats = True
                    case Close():
                        self._closing = True
        except Empty:
            return

    def _line_for(self, entry: Entry) -> deque[Entry]:
        match entry.item:
            case Settlement() | Void():
                return self._ends
            case Progress():
                return self._notes
            case Recovery():
                return self._bulk
            case _:
                return self._asked

    def _compose(self) -> Batch:
        beats, self._beats = self._beats, False
        self._turn += 1
        entries: list[Entry] = []
        if not self._bulk or self._turn % BULK_EVERY:
            room = _move(self._aside, entries, ASIDE_ITEMS_MAX, BATCH_BYTES_MAX)
            for line in (self._ends, self._asked, self._notes):
                room = _move(line, entries, BATCH_ITEMS_MAX, room)
        if not entries:
            _move(self._bulk, entries, BULK_ITEMS_MAX, BATCH_BYTES_MAX)
        return Batch(entries, beats)


def _move(line: deque[Entry], entries: list[Entry], items_max: int, bytes_max: int) -> int:
    """Move entries out of a line while there is room for them. Returns the bytes left."""
    while line and len(entries) < items_max and bytes_max > 0:
        entry = line.popleft()
        entries.append(entry)
        bytes_max -= len(entry.item.details) if isinstance(entry.item, Settlement) else 0
    return bytes_max
