"""A client leaves after every single piece of a stream, in all crossings of dialects: it pays for the input and for
what it was handed, to the nano-dollar; the provider is left at once; the slot is free; no terminator was sent.
"""

import asyncio
import json
import random
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.campaign.book import read_book, wait_until_closed
from tests.campaign.client import Clients
from tests.campaign.conftest import MakeDatabase
from tests.campaign.evidence import Call, gather
from tests.campaign.halting import TOKENS
from tests.campaign.judge import judge, judge_rest, verdict
from tests.campaign.log_book import read_log_at_rest
from tests.campaign.log_judge import judge_receipts, judge_told
from tests.campaign.plan import Plan, price, write_request
from tests.campaign.stage import GOOD, RECOVER_S, Shape, Stage, start_stage
from tests.faults.caller import Leave, make_nonce
from tests.faults.hearing import hear_stream
from tests.faults.journal import Entry, Follower
from tests.faults.stage import CROSSINGS
from tests.faults.wires import TOKENS as COUNTED
from tests.faults.wires import text_of

SOURCE = random.Random(20261121)
CANCEL_S, SETTLE_S = 1.0, 2.0
GIVEN, FIRST = 3, 1
"""What a provider of messages says at the start: tokens of input, and of output."""
CREDIT_NUSD = 1_000 * 10**9


class Cut(NamedTuple):
    """A stream that its client leaves once it has so many tokens; TOKENS + 1 stands for the counts having been said,
    TOKENS + 2 for the whole stream, -1 for nothing at all.
    """

    plan: Plan
    place: int


def plan_cuts() -> list[Cut]:
    """Every place, in every crossing, left politely and not."""
    faults = {-1: "silence", **{place: f"halt-{place}" for place in range(TOKENS + 1)}}
    faults |= {TOKENS + 1: "halt-end", TOKENS + 2: "halt-never"}
    return [
        Cut(Plan(make_nonce(SOURCE), SOURCE.choice(GOOD), crossing, fault, True, leave=Leave(reset=reset)), place)
        for crossing in CROSSINGS
        for place, fault in faults.items()
        for reset in (False, True)
    ]


def due_nusd(cut: Cut) -> int:
    """What the page on settlement says that a call costs which was left there."""
    counted = -(-len(text_of(cut.plan.nonce, min(cut.place, TOKENS)).encode()) // 4) if cut.place > 0 else 0
    estimated = -(-len(write_request(cut.plan)[1]) // 4)
    if cut.place == TOKENS + 2:
        return price(GIVEN, COUNTED)
    if cut.place == TOKENS + 1:
        return price(GIVEN, max(COUNTED, counted))
    if cut.plan.crossing.upstream == "openai" or cut.place < 0:
        return price(estimated, counted)
    return price(GIVEN, max(FIRST, counted))


async def leave(stage: Stage, clients: Clients, cut: Cut) -> None:
    """One call, until its client has what it wants."""
    port = SOURCE.choice(stage.gateways.ports)
    if cut.place < 0:
        asking = asyncio.create_task(clients.ask(cut.plan, port, stays=True))
        while not any(entry.get("nonce") == cut.plan.nonce for entry in stage.provider.journal):
            await clients.look_around(0.01)
        asking.cancel()
        await asyncio.wait((asking,))
        return
    wanted = text_of(cut.plan.nonce, min(cut.place, TOKENS))

    def enough(body: bytes) -> bool:
        heard = hear_stream(cut.plan.crossing.client, body)
        return cut.place <= TOKENS + 1 and "".join(heard.texts.values()) == wanted

    await clients.ask(cut.plan, port, enough=enough)


@asynccontextmanager
async def opened(stage: Stage) -> AsyncGenerator[Clients]:
    clients = stage.clients(60.0)
    try:
        yield clients
    finally:
        await clients.close()


async def leave_all(stage: Stage, cuts: list[Cut]) -> None:
    """As many at once as their users have slots, and not one more."""
    slots = {who: asyncio.Semaphore(2) for who in GOOD}
    async with opened(stage) as clients:

        async def one(cut: Cut) -> None:
            async with slots[cut.plan.who]:
                await leave(stage, clients, cut)

        await asyncio.gather(*map(one, cuts))


def check(cut: Cut, call: Call, stage: Stage, closed: dict[str, Entry]) -> None:
    (attempt,), (hold,), (upstream,) = call.attempts, call.holds, call.upstreams
    whole = cut.place == TOKENS + 2
    where = f"{cut.plan.crossing} after {cut.place}: {hold['details']}"
    assert hold["charged_nusd"] == due_nusd(cut), where
    assert json.loads(hold["details"])["status"] == ("ok" if whole else "cancelled"), where
    assert hear_stream(attempt.wire, attempt.body).terminators == int(whole), where
    if not whole:
        entry = closed[str(upstream.connection)]
        assert entry["by"] == "peer", where
        assert entry["at_s"] - attempt.ended_s < CANCEL_S, where
    ended_s = hold["ended_at_ns"] / 1e9 - (time.time() - time.monotonic())
    assert ended_s - attempt.ended_s < SETTLE_S, where


def cut_everywhere(shape: Shape, url: str, folder: Path) -> None:
    cuts = plan_cuts()
    with start_stage(folder, shape, url, [cut.plan for cut in cuts], provider="tests.campaign.halting") as stage:
        asyncio.run(leave_all(stage, cuts))
        assert wait_until_closed(url, SETTLE_S)
        book, journal = read_book(url), stage.provider.journal
        evidence = gather(Follower(stage.history.path).read(), journal, book, time.time() - time.monotonic())
        log = read_log_at_rest(url, RECOVER_S)
        violations = [*judge(evidence), *judge_rest(book), *judge_receipts(book, log), *judge_told(evidence, log)]
        assert not violations, verdict(violations)
        closed = {str(entry["connection"]): entry for entry in journal if entry["event"] == "closed"}
        for cut in cuts:
            check(cut, evidence.calls[cut.plan.nonce], stage, closed)
        paid = [row["posted_nusd"] for row in book.wallets.values() if row["posted_nusd"] > CREDIT_NUSD // 2]
        assert paid == [CREDIT_NUSD - sum(map(due_nusd, cuts))]
        assert stage.gateways.audit()["clean"]


def test_a_client_that_leaves_anywhere_pays_for_what_it_got(make_database: MakeDatabase, tmp_path: Path) -> None:
    cut_everywhere("one", make_database("sqlite", tmp_path), tmp_path)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("shape", "engine"), [("four", "sqlite"), ("one", "postgresql"), ("two", "postgresql")])
def test_so_it_is_in_every_shape(shape: Shape, engine: str, make_database: MakeDatabase, tmp_path: Path) -> None:
    cut_everywhere(shape, make_database(engine, tmp_path), tmp_path)
