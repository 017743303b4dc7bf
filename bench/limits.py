"""What limits and guardrails add to a call, in processor time: the same calls without and with them, taking turns in
one process, so that the machine's other work moves both sides alike.

Limits: admission and settlement with limits of requests and tokens on key, user and workspace, beside none; of turns
the quieter quarter counts. Guardrails: one clean request looked through. No provider, no socket.

    python -m bench.limits
"""

import argparse
import asyncio
import statistics
import tempfile
import time
import uuid
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from bench.ledger import PLENTY_NUSD, ask, found
from tallygate.access.guardrails.registry import Guardrails
from tallygate.access.guardrails.settings import GuardrailSettings
from tallygate.api.call_id import make_call_id
from tallygate.dialects.registry import DIALECTS
from tallygate.genai.book import Hold
from tallygate.genai.items import Settlement, TopUp
from tallygate.genai.results import Held, Posted
from tallygate.ledger.fold import fold
from tallygate.receipts.receipt import complete
from tallygate.store.address import DatabaseAddress, parse_address
from tallygate.store.driver import DriverConnection
from tallygate.store.writer import Writer
from tests.fakes.receipts import DRAFT

TOGETHER = 2_048
GOAL_US = 30
LEVELS = {"key": "k", "user": "u", "workspace": "w"}
BODY = (
    b'{"model":"m","messages":[{"role":"system","content":"You are a terse assistant that answers in one sentence."},'
    b'{"role":"user","content":"' + b"Explain why a hash chain makes a ledger tamper evident. " * 15 + b'"}],'
    b'"temperature":0.7,"max_tokens":64}'
)
TEXTS = {
    "project": GuardrailSettings(kind="regex", deny=(r"(?i)\bproject\s+nightjar\b",)),
    "keys": GuardrailSettings(kind="secrets"),
    "people": GuardrailSettings(kind="pii"),
}
FACTS = {
    "tools": GuardrailSettings(kind="tools", deny=("shell*",)),
    "size": GuardrailSettings(kind="size", messages_max=50),
}


def limit(address: DatabaseAddress) -> None:
    """Limits at every level that nothing here ever reaches."""
    with closing(DriverConnection(address)) as connection:
        for level, owner in LEVELS.items():
            for kind in ("requests", "tokens"):
                connection.fetch(
                    "INSERT INTO rates (id, workspace_id, level, owner_id, kind, per_minute)"
                    " VALUES (?, 'w', ?, ?, ?, ?)",
                    (f"{level}-{kind}", level, owner, kind, 10**12),
                )


class Turn(NamedTuple):
    """Processor time of one admission and of one settlement, in microseconds."""

    admission_us: float
    settlement_us: float


async def admit(busy: Writer) -> Hold:
    """One call's first transaction."""
    asked = ask(make_call_id())
    held = await busy.admit(replace(asked, bound=replace(asked.bound, input_tokens_max=200, output_tokens_max=64)))
    assert isinstance(held, Held), held
    return held.hold


async def settle(busy: Writer, hold: Hold) -> None:
    """One call's second transaction."""
    used = Settlement(
        hold=hold,
        epoch=hold.epoch,
        amount_nusd=600,
        input_tokens=100,
        output_tokens=50,
        details='{"a":1}',
        receipt=DRAFT,
    )
    posted = await busy.settle(used)
    assert isinstance(posted, Posted), posted


async def take_turn(busy: Writer) -> Turn:
    """So many calls begin together, and end together."""
    cpu_s = [time.process_time()]
    holds = await asyncio.gather(*(admit(busy) for _ in range(TOGETHER)))
    cpu_s.append(time.process_time())
    await asyncio.gather(*(settle(busy, hold) for hold in holds))
    cpu_s.append(time.process_time())
    first, second = ((after - before) / TOGETHER * 1e6 for before, after in pairwise(cpu_s))
    return Turn(first, second)


async def compare_limits(folder: Path, turns: int) -> tuple[list[Turn], list[Turn]]:
    """Turns without limits, and turns with them, one after the other."""
    writers: list[Writer] = []
    for name in ("without", "with"):
        address = parse_address(f"sqlite:///{folder}/{name}.db", Path())
        found(address)
        if name == "with":
            limit(address)
        writers.append(Writer(address, fold, complete, owner="bench", on_broken=print))
        writers[-1].start()
        await writers[-1].change(TopUp(uuid.uuid4().hex, "w", PLENTY_NUSD))
        await take_turn(writers[-1])
    taken = [(await take_turn(writers[0]), await take_turn(writers[1])) for _ in range(turns)]
    for writer in writers:
        await asyncio.to_thread(writer.close)
    return [plain for plain, _ in taken], [limited for _, limited in taken]


def look_through(guardrails: Guardrails) -> None:
    """What is done for one request: chosen, and looked through; written anew if its rules want that."""
    guard = guardrails.choose("w", "k", ("m",))
    assert guard is not None
    guard.check_models()
    if guard.is_clean(BODY):
        return
    dialect = DIALECTS["openai_chat"]
    request = guard.check_request(dialect.read_request(BODY))
    dialect.peek(dialect.write_request(request).body, 64)


def time_guardrails(settings: dict[str, GuardrailSettings], turns: int) -> float:
    """Processor time of one request in microseconds, the quietest of all turns."""
    guardrails, count = Guardrails(settings), 200
    took: list[float] = []
    for _ in range(turns):
        began_s = time.thread_time()
        for _ in range(count):
            look_through(guardrails)
        took.append((time.thread_time() - began_s) / count * 1e6)
    return min(took)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What limits and guardrails add to a call.")
    parser.add_argument("--turns", type=int, default=40)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        plain, limited = asyncio.run(compare_limits(Path(folder), asked.turns))
    for what in ("admission_us", "settlement_us"):
        less, more = ([getattr(turn, what) for turn in turns] for turns in (plain, limited))
        # What disturbs a turn makes it longer, never shorter.
        quiet = [statistics.quantiles(side, n=4)[0] for side in (less, more)]
        added = quiet[1] - quiet[0]
        name = what.removesuffix("_us")
        print(f"{name:<12} {quiet[0]:6.1f} µs, with limits {quiet[1]:6.1f}: {added:+.1f}")
    for name, settings in (("a pattern", {"project": TEXTS["project"]}), ("pattern, secrets, pii", TEXTS)):
        took_us = time_guardrails(settings, asked.turns)
        print(f"guardrails ({name}), a clean request of {len(BODY)} bytes: {took_us:.1f} µs")
    both = time_guardrails({**TEXTS, **FACTS}, asked.turns)
    print(f"guardrails of every kind, a request that is read and written anew: {both:.1f} µs")
    print(f"at most {GOAL_US} µs more for an admission with limits and guardrails are wanted")


if __name__ == "__main__":
    main()
