"""The evidence of a campaign, joined: what each client did and got, what the provider did for it, what the log says.

Reads the clients' history, the provider's journal and the gateway's output, and joins them by the nonce every call
bears in its model's name. Pure: it decides nothing, that is the judge's.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from tests.faults.wires import NONCE, text_of

Entry = dict[str, Any]

OUTCOME = re.compile(r"\bcall (call_\w+) .*gen_ai\.request\.model='[^']*?(zq[0-9a-z]{8}qz)'.*tallygate\.status='(\w+)'")


class Emission(NamedTuple):
    """Something the provider sent. `kind`: content, finish, terminator, error, whole, noise."""

    at_s: float
    kind: str
    text: str = ""
    lane: str = "0"


class Upstream(NamedTuple):
    """One request at the provider. `ended`: how and when its answer was over; `closed`: by whom and when its line."""

    nonce: str
    request: int
    connection: int
    accepted_s: float
    emissions: tuple[Emission, ...] = ()
    flooded: int = 0
    ended: tuple[str, float] | None = None
    closed: tuple[str, float] | None = None
    leaks: tuple[str, ...] = ()

    def text(self, lane: str = "0") -> str:
        """All text it emitted in a lane, or the one of its whole answer."""
        if self.flooded:
            return text_of(self.nonce, self.flooded)
        return "".join(e.text for e in self.emissions if e.kind in ("content", "whole") and e.lane == lane)

    @property
    def lanes(self) -> set[str]:
        """The lanes it spoke in."""
        return {e.lane for e in self.emissions if e.kind in ("content", "whole")}

    @property
    def spoke(self) -> bool:
        """Whether it emitted any text."""
        return bool(self.flooded) or any(e.kind in ("content", "whole") for e in self.emissions)

    @property
    def sound(self) -> bool:
        """Whether its answer came to an honest end before any error.

        A finish reason and a clean end of the body are one too: not every provider sends the terminator.
        """
        kinds = [e.kind for e in self.emissions]
        kinds = kinds[: kinds.index("error")] if "error" in kinds else kinds
        finished = "finish" in kinds and self.ended is not None and self.ended[0] == "clean"
        return finished or "terminator" in kinds or "whole" in kinds


class Case(NamedTuple):
    """One call. `how` it ended for the client: complete, torn (the connection ended early), left, late, or running."""

    nonce: str
    wire: str
    stream: bool
    fault: str
    asked_s: float
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    arrivals: tuple[tuple[float, bytes], ...] = ()
    how: str = "running"
    ended_s: float | None = None
    stalled_s: float | None = None
    upstreams: tuple[Upstream, ...] = ()

    @property
    def body(self) -> bytes:
        """What arrived of the body."""
        return b"".join(data for _, data in self.arrivals)

    @property
    def streamed(self) -> bool:
        """Whether the answer is a stream of events."""
        return self.status == 200 and any(
            name == "content-type" and value.startswith("text/event-stream") for name, value in self.headers
        )


class Probe(NamedTuple):
    """One look at an address of the gateway's own. Status 0: no answer."""

    at_s: float
    path: str
    status: int
    took_s: float


class Sample(NamedTuple):
    """The gateway's resident memory, and how many clients had stopped reading by then."""

    at_s: float
    rss_bytes: int
    stalled: int


class Evidence(NamedTuple):
    """Everything a campaign left. `until_s`: when the records were read; `outcomes`: (call id, status) by nonce."""

    cases: tuple[Case, ...]
    until_s: float
    probes: tuple[Probe, ...] = ()
    samples: tuple[Sample, ...] = ()
    outcomes: dict[str, list[tuple[str, str]]] | None = None
    signalled_s: float | None = None
    exited: tuple[int, float] | None = None


def gather(history: Iterable[Entry], journal: Iterable[Entry], log: Sequence[str] | None, until_s: float) -> Evidence:
    """Join the records. Without a log, nothing is known of outcomes."""
    upstreams = read_upstreams(journal)
    cases: dict[str, Case] = {}
    arrivals: dict[str, list[tuple[float, bytes]]] = defaultdict(list)
    probes: list[Probe] = []
    samples: list[Sample] = []
    signalled_s: float | None = None
    exited: tuple[int, float] | None = None
    for entry in history:
        at_s, nonce = entry["at_s"], entry.get("nonce", "")
        match entry["event"]:
            case "asked":
                cases[nonce] = Case(nonce, entry["wire"], entry["stream"], entry["fault"], at_s)
            case "head":
                pairs = tuple((name, value) for name, value in entry["headers"])
                cases[nonce] = cases[nonce]._replace(status=entry["status"], headers=pairs)
            case "got":
                arrivals[nonce].append((at_s, entry["data"].encode("latin-1")))
            case "stalled":
                cases[nonce] = cases[nonce]._replace(stalled_s=at_s)
            case "ended":
                cases[nonce] = cases[nonce]._replace(how=entry["how"], ended_s=at_s)
            case "probe":
                probes.append(Probe(at_s, entry["path"], entry["status"], entry["took_s"]))
            case "sample":
                samples.append(Sample(at_s, entry["rss_bytes"], entry["stalled"]))
            case "signalled":
                signalled_s = at_s
            case "exited":
                exited = (entry["code"], at_s)
            case _:
                pass
    joined = tuple(
        case._replace(arrivals=tuple(arrivals[nonce]), upstreams=tuple(upstreams.get(nonce, ())))
        for nonce, case in cases.items()
    )
    outcomes = read_outcomes(log) if log is not None else None
    return Evidence(joined, until_s, tuple(probes), tuple(samples), outcomes, signalled_s, exited)


def read_upstreams(journal: Iterable[Entry]) -> dict[str, list[Upstream]]:
    """The provider's journal as requests, by the nonce they bear."""
    facts: dict[int, dict[str, Any]] = {}
    emissions: dict[int, list[Emission]] = defaultdict(list)
    for entry in journal:
        number: int = entry.get("request") or 0
        match entry["event"]:
            case "accepted":
                facts[number] = {"nonce": entry["nonce"], "accepted_s": entry["at_s"], "leaks": tuple(entry["leaks"])}
                facts[number]["connection"] = entry["connection"]
            case "emitted":
                emissions[number].append(Emission(entry["at_s"], entry["kind"], entry["text"], entry["lane"]))
            case "flooded":
                facts[number]["flooded"] = entry["through"]
            case "ended":
                facts[number]["ended"] = (entry["how"], entry["at_s"])
            case "closed" if number:
                facts[number]["closed"] = (entry["by"], entry["at_s"])
            case _:
                pass
    found: dict[str, list[Upstream]] = defaultdict(list)
    for number, known in facts.items():
        found[known["nonce"]].append(Upstream(request=number, emissions=tuple(emissions[number]), **known))
    return found


def read_outcomes(log: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """The outcomes in the gateway's log by nonce."""
    outcomes: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for line in log:
        if match := OUTCOME.search(line):
            outcomes[match[2]].append((match[1], match[3]))
    return outcomes


def nonces_in(data: bytes) -> set[str]:
    """Every nonce that stands in these bytes."""
    return set(NONCE.findall(data.decode("latin-1")))
