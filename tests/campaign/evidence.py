"""What a campaign left, joined by the nonce of each call: every attempt of its clients, what the provider did for it,
and its holds in the ledger. Pure: it decides nothing, that is the judge's.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from tests.campaign.book import Book, Row
from tests.faults.evidence import Upstream, nonces_in, read_upstreams
from tests.faults.hearing import hear_stream, hear_whole

Entry = dict[str, Any]


class Attempt(NamedTuple):
    """One attempt of a call. `how` it ended for its client: complete, torn, left, late, or running."""

    name: str
    who: str
    wire: str
    upstream: str
    fault: str
    stream: bool
    claim: str
    wants_usage: bool
    asked_s: float
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    how: str = "running"
    ended_s: float = 0.0

    @property
    def nonce(self) -> str:
        return self.name.partition("#")[0]

    def header(self, name: str) -> str:
        """The value of a header, empty if there is none."""
        return dict(self.headers).get(name, "")

    @property
    def receipt(self) -> str:
        """The call's id, where the answer told it."""
        return self.header("x-tallygate-receipt-id")

    @property
    def replayed(self) -> bool:
        return self.header("idempotent-replayed") == "true"

    @property
    def served(self) -> bool:
        """Whether the client holds a whole answer, or a stream with its terminator."""
        if self.how != "complete" or self.status != 200:
            return False
        if not self.stream:
            return hear_whole(self.wire, self.body) is not None
        heard = hear_stream(self.wire, self.body)
        return heard.terminators == 1 and not heard.errors

    @property
    def text(self) -> str:
        """The text it got, however far."""
        if self.status != 200:
            return ""
        texts = hear_stream(self.wire, self.body).texts if self.stream else hear_whole(self.wire, self.body) or {}
        return "".join(texts.values())

    @property
    def told_usd(self) -> str | None:
        """The cost that the answer told, as it was written; None if it told none."""
        if not self.stream:
            return self.header("x-tallygate-cost-usd") or None
        for block in self.body.split(b"\n\n"):
            if block.startswith(b"data: {"):
                usage = json.loads(block.removeprefix(b"data: "), parse_float=str).get("usage")
                if isinstance(usage, dict) and "cost" in usage:
                    return str(usage["cost"])
        return None


class Call(NamedTuple):
    """All that is known of one call. Holds in the order in which they were opened."""

    nonce: str
    attempts: tuple[Attempt, ...]
    upstreams: tuple[Upstream, ...]
    holds: tuple[Row, ...]


class Movement(NamedTuple):
    """A request to the admin API, with the last status it was told; 0 if never any."""

    method: str
    path: str
    body: Any
    status: int


class Evidence(NamedTuple):
    """Everything. `clock_s` is what to add to the machine's monotonic clock for the time of day."""

    calls: dict[str, Call]
    movements: tuple[Movement, ...]
    book: Book
    clock_s: float


def gather(history: Iterable[Entry], journal: Iterable[Entry], book: Book, clock_s: float) -> Evidence:
    """Join the records."""
    attempts, movements = read_history(history)
    upstreams = read_upstreams(journal)
    holds: dict[str, list[Row]] = defaultdict(list)
    for row in sorted(book.holds.values(), key=lambda row: row["opened_at_ns"]):
        for nonce in nonces_in(row["model"].encode()):
            holds[nonce].append(row)
    calls = {
        nonce: Call(nonce, tuple(tries), tuple(upstreams.get(nonce, ())), tuple(holds.get(nonce, ())))
        for nonce, tries in attempts.items()
    }
    return Evidence(calls, tuple(movements), book, clock_s)


def read_history(history: Iterable[Entry]) -> tuple[dict[str, list[Attempt]], list[Movement]]:
    """The clients' history as attempts by nonce, and what was asked of the admin API."""
    known: dict[str, Attempt] = {}
    bodies: dict[str, list[bytes]] = defaultdict(list)
    movements: dict[str, Movement] = {}
    for entry in history:
        name, at_s = entry.get("attempt", ""), entry["at_s"]
        match entry["event"]:
            case "asked":
                facts = {field: entry[field] for field in Attempt._fields if field in entry}
                known[name] = Attempt(name=name, asked_s=at_s, **facts)
            case "head":
                pairs = tuple((key, value) for key, value in entry["headers"])
                known[name] = known[name]._replace(status=entry["status"], headers=pairs)
            case "got":
                bodies[name].append(entry["data"].encode("latin-1"))
            case "ended":
                known[name] = known[name]._replace(how=entry["how"], ended_s=at_s, body=b"".join(bodies.pop(name, [])))
            case "admin asked" | "admin told":
                made = Movement(entry["method"], entry["path"], entry["body"], entry.get("status", 0))
                about = f"{made.method} {made.path} {json.dumps(made.body)}"
                earlier = movements.get(about)
                # A success stays one, whatever a later repetition is told.
                if earlier is None or not 200 <= earlier.status < 300:
                    movements[about] = made
            case _:
                pass
    tries: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in known.values():
        tries[attempt.nonce].append(attempt)
    return tries, list(movements.values())
