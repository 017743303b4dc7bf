"""What a campaign's clients ask: who, in which dialect, whole or streamed, under an Idempotency-Key or not, and when
they leave. Every choice comes from a seed. Each call has a model of its own, named after its nonce, by which the
gateway's holds, the provider's journal and the clients' history are joined.
"""

import json
import random
from collections.abc import Iterable
from typing import Any, NamedTuple

from tests.faults.caller import Leave, make_nonce
from tests.faults.stage import CROSSINGS, Crossing
from tests.faults.wires import WIRES

INPUT_NUSD, OUTPUT_NUSD = 2_000, 8_000
"""What a token costs: USD 2.00 and 8.00 per million."""
OUTPUT_TOKENS_MAX = 512

WHOLE = (
    *("none",) * 6,
    "late-head",
    "late-head",
    "status-500",
    "status-429",
    "usage-absent",
    "usage-zero",
    "usage-huge",
)
STREAMED = (
    *(*("none",) * 4, *("crawl",) * 8, "split", "cut-3", "failure-3", "short-3", "reset-3"),
    *("usage-absent", "usage-too-few", "usage-contradiction", "usage-huge", "usage-negative", "late-head"),
)


class Plan(NamedTuple):
    """One call. `who` names the caller's key; `claim` is its Idempotency-Key, empty for none."""

    nonce: str
    who: str
    crossing: Crossing
    fault: str
    stream: bool
    claim: str = ""
    leave: Leave | None = None
    wants_usage: bool = False

    @property
    def model(self) -> str:
        """The name under which it asks; the provider gets what follows the slash."""
        return f"{self.crossing.upstream}-lab/{self.fault}.{self.nonce}"


def plan_mixed(source: random.Random, count: int, callers: Iterable[str]) -> list[Plan]:
    """So many calls of all kinds."""
    names = list(callers)
    return [_plan_one(source, source.choice(names)) for _ in range(count)]


def plan_good(source: random.Random, count: int, callers: Iterable[str]) -> list[Plan]:
    """Calls with which nothing is wrong, so that each has to succeed."""
    names = list(callers)
    return [
        Plan(make_nonce(source), source.choice(names), source.choice(CROSSINGS), "none", source.random() < 0.5)
        for _ in range(count)
    ]


def _plan_one(source: random.Random, who: str) -> Plan:
    nonce, stream = make_nonce(source), source.random() < 0.65
    crossing = source.choice(CROSSINGS)
    claim = f"claim-{nonce}" if source.random() < 0.3 else ""
    leave = None
    if source.random() < 0.25:
        leave = Leave(after_bytes=source.choice((-1, 0, source.randrange(200, 4_000))), reset=source.random() < 0.5)
    fault = source.choice(STREAMED if stream else WHOLE)
    if leave is not None and stream and source.random() < 0.3:
        # It never ends by itself: its client has to.
        return Plan(nonce, who, crossing, "trickle", stream, leave=leave._replace(after_bytes=1_500))
    return Plan(nonce, who, crossing, fault, stream, claim, leave, wants_usage=source.random() < 0.5)


def price(input_tokens: int, output_tokens: int) -> int:
    """What so many tokens cost, in nano-USD."""
    return input_tokens * INPUT_NUSD + output_tokens * OUTPUT_NUSD


def write_body(plan: Plan) -> dict[str, Any]:
    """The request, the same bytes whenever it is asked."""
    body = {**WIRES[plan.crossing.client].request(plan.model, stream=plan.stream), "max_tokens": OUTPUT_TOKENS_MAX}
    if plan.wants_usage and plan.stream and plan.crossing.client == "openai":
        body["stream_options"] = {"include_usage": True}
    return body


def write_request(plan: Plan) -> tuple[str, bytes]:
    """The path of a call and its body as bytes."""
    return WIRES[plan.crossing.client].path, json.dumps(write_body(plan)).encode()
