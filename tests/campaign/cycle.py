"""One cycle of the campaign: load, a death, its recovery, and the judgement. Every choice comes from the seed.

The gateway that a cycle ends with is the one that the next begins with, so what a cycle will ask is planned before its
gateway starts.
"""

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from tests.campaign.book import Book, Poller, read_book, wait_until_closed
from tests.campaign.client import Clients
from tests.campaign.evidence import Evidence, gather
from tests.campaign.gateway import LOG_PLACES, PLACES
from tests.campaign.judge import Violation, judge, judge_ends, judge_rest, judge_snapshot
from tests.campaign.notary import Notary
from tests.campaign.plan import Plan, plan_good, plan_mixed
from tests.campaign.stage import GOOD, LEASE_S, RECOVER_S, TOWN, Stage
from tests.faults.journal import Entry, Follower

CALLS, AT_ONCE = 48, 24
FRESH = 6
AFTER_MAX_S, LOAD_MOST_S = 1.2, 4.0
ADMIN_EVERY_S = 0.1
SLEEP_S = LEASE_S + 1.5

RECOVERING = ("recovering", "recovered")
FEW = {**dict.fromkeys(("noted", *RECOVERING), 5), **dict.fromkeys(LOG_PLACES, 3)}
"""What does not come often enough to be counted up to 24."""
CONDITIONS = ("random", "over", "frozen", "accepted", "head", "got", *PLACES)


class Plans:
    """The calls of one cycle: under load, after it, and how the gateway comes to its death."""

    def __init__(self, source: random.Random, condition: str) -> None:
        self.condition = condition
        self.count = source.randrange(1, FEW.get(self.condition, 25))
        self.after_s = 0.05 + source.random() * AFTER_MAX_S
        self.mixed = plan_mixed(source, CALLS, TOWN)
        self.fresh = plan_good(source, FRESH, GOOD)

    @property
    def is_mined(self) -> bool:
        """Whether a mine kills, and not the campaign."""
        return self.condition in PLACES

    @property
    def all(self) -> list[Plan]:
        return [*self.mixed, *self.fresh]


class Campaign:
    """Cycle after cycle on one stage. `figures` counts what happened; `violations` is what the judge found. What is not
    right again after `recover_s` is broken.
    """

    def __init__(self, stage: Stage, source: random.Random, *, recover_s: float = RECOVER_S) -> None:
        self._stage, self._source, self._recover_s = stage, source, recover_s
        self._history, self._journal = Follower(stage.history.path), stage.provider
        self._book: Book | None = None
        self._notary = Notary(stage, source, recover_s)
        self._serial = itertools.count()
        self.figures: Counter[str] = Counter()
        self.violations: list[Violation] = []

    def run(self, cycles: list[Plans]) -> None:
        """One after the other; ends early where a promise is broken."""
        for self._plans in cycles:
            self._notary.plans.update((plan.nonce, plan) for plan in self._plans.all)
            with Poller(self._stage.gateways.url, judge_snapshot) as poller, self._notary.stranger:
                asyncio.run(self._cycle())
            self.violations += poller.found
            self.figures["snapshots"] += poller.looks
            self._judge()
            if self.violations:
                return
        self.violations += self._notary.conclude()

    async def _cycle(self) -> None:
        clients = self._stage.clients(2 * self._recover_s)
        try:
            await self._load(clients)
            await asyncio.to_thread(self._stage.gateways.start)
            keeper = asyncio.ensure_future(self._keep_running())
            await self._come_back(clients)
            keeper.cancel()
            await asyncio.wait((keeper,))
        finally:
            await clients.close()
        self._stage.gateways.disarm()
        self.figures["cycles"] += 1

    async def _keep_running(self) -> None:
        """Start again what dies after its start, as whoever runs a gateway does."""
        while True:
            if not self._stage.gateways.all_run:
                await asyncio.to_thread(self._stage.gateways.start)
            await asyncio.sleep(0.05)

    async def _load(self, clients: Clients) -> None:
        """All kinds of calls, and an admin at work, until something dies."""
        gateways, gate, stop = self._stage.gateways, asyncio.Semaphore(AT_ONCE), asyncio.Event()

        async def call(plan: Plan) -> None:
            async with gate:
                if not stop.is_set() and (ports := gateways.ports):
                    await clients.ask(plan, self._source.choice(ports))

        callers = [asyncio.create_task(call(plan)) for plan in self._plans.mixed]
        admin = asyncio.ensure_future(self._administer(clients, stop))
        await self._wait_for_death(clients, callers)
        stop.set()
        await asyncio.gather(*callers, admin)

    async def _wait_for_death(self, clients: Clients, callers: list["asyncio.Task[None]"]) -> None:
        """Wait until it is time to kill, or until a mine went off; the load being over is such a time, too."""
        plans, gateways = self._plans, self._stage.gateways
        accepted = len([entry for entry in self._journal.journal if entry["event"] == "accepted"])
        reached: dict[str, Callable[[], bool]] = {
            "accepted": lambda: self._count_accepted() >= accepted + plans.count,
            "head": lambda: clients.counts["head"] >= plans.count,
            "got": lambda: clients.counts["got"] >= plans.count,
        }
        is_late = plans.condition in RECOVERING
        if plans.is_mined and not is_late:
            gateways.arm(plans.condition, plans.count)
            reached[plans.condition] = lambda: gateways.mine_went_off
        is_reached = reached.get(plans.condition, lambda: False)
        # The log has work left when the load is over: then only time ends the wait.
        working = callers if plans.condition not in LOG_PLACES else [asyncio.current_task()]
        is_blind = plans.condition in ("random", "frozen") or is_late
        deadline_s = time.monotonic() + (plans.after_s if is_blind else LOAD_MOST_S)
        while not is_reached() and time.monotonic() < deadline_s and any(one and not one.done() for one in working):
            await clients.look_around(0.002)
        self.figures[f"at {plans.condition if is_reached() or is_late or is_blind else 'the end'}"] += 1
        if plans.is_mined and is_reached():
            return
        gateways.disarm()
        if plans.condition == "frozen":
            await self._freeze()
            return
        self.figures[f"killed {await asyncio.to_thread(gateways.kill_something, self._source)}"] += 1
        if is_late:
            gateways.arm(plans.condition, plans.count)

    async def _freeze(self) -> None:
        """One process sleeps past its lease and wakes up, while the others go on."""
        frozen = self._stage.gateways.freeze_something(self._source)
        try:
            await asyncio.sleep(SLEEP_S)
        finally:
            self._stage.gateways.thaw(frozen)

    async def _come_back(self, clients: Clients) -> None:
        """Who asked under an Idempotency-Key asks again, and new calls have to succeed."""
        stage = self._stage
        until_s = asyncio.get_running_loop().time() + self._recover_s
        asked = {entry["attempt"].partition("#")[0] for entry in self._read_history() if entry["event"] == "asked"}
        again = [plan for plan in self._plans.mixed if plan.claim and plan.nonce in asked]
        answers = await asyncio.gather(
            *(clients.insist(plan, lambda: stage.gateways.ports, until_s) for plan in [*self._plans.fresh, *again]),
            self._finish_admin(clients),
        )
        for plan, answered in zip(self._plans.fresh, answers, strict=False):
            if answered is not None and answered.status != 200:
                said = f"{answered.status} {answered.body[:200]!r}"
                self.violations.append(Violation("D9", plan.nonce, f"a good call after the recovery ended with {said}"))
        # Whoever came back may come once more: the answer is the same.
        await asyncio.gather(
            *(clients.ask(plan, self._source.choice(stage.gateways.ports), stays=True) for plan in again[:4])
        )

    async def _administer(self, clients: Clients, stop: asyncio.Event) -> None:
        """Money in, money back, keys revoked: each with an id of its own, so that it can be asked for again."""
        self._asked: list[tuple[str, str, Any]] = []
        while not stop.is_set():
            serial = next(self._serial)
            asked: tuple[str, str, Any] = (
                "POST", "credit", {"workspace": "poor", "usd": "0.005", "id": f"more-{serial}"}
            )  # fmt: skip
            if serial % 3 == 1 and (receipt := self._find_receipt()):
                asked = ("POST", "refunds", {"call": receipt, "usd": "0.000001", "id": f"back-{serial}"})
            self._asked.append(asked)
            await self._administer_once(clients, asked)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), ADMIN_EVERY_S)

    async def _administer_once(self, clients: Clients, asked: tuple[str, str, Any]) -> int:
        doors = self._stage.gateways.ports
        if not doors:
            return 0
        return await clients.administer(self._source.choice(doors), self._stage.gateways.admin_key, *asked)

    async def _finish_admin(self, clients: Clients) -> None:
        """What was not acknowledged is asked for again, and what was must be known."""
        for asked in self._asked[-4:]:
            status, until_s = 0, time.monotonic() + self._recover_s
            while status in (0, 503) and time.monotonic() < until_s:
                status = await self._administer_once(clients, asked)
                await asyncio.sleep(0.01)
            if status not in (200, 201, 404, 409):
                self.violations.append(Violation("D9", asked[1], f"{asked} ended with {status}"))

    def _find_receipt(self) -> str:
        """A call that somebody was charged for."""
        for row in reversed(list(self._book.holds.values() if self._book else ())):
            if row["charged_nusd"] > 1_000_000 and not row["refunded_nusd"]:
                return row["id"]
        return ""

    def _count_accepted(self) -> int:
        return len([entry for entry in self._journal.journal if entry["event"] == "accepted"])

    def _read_history(self) -> list[Entry]:
        return self._history.read()

    def evidence(self, book: Book) -> Evidence:
        """What is known now."""
        return gather(self._read_history(), self._journal.journal, book, time.time() - time.monotonic())

    def _judge(self) -> None:
        wait_until_closed(self._stage.gateways.url, self._recover_s)
        book = read_book(self._stage.gateways.url)
        evidence = self.evidence(book)
        self.violations += judge(evidence)
        self.violations += judge_rest(book)
        if self._book is not None:
            self.violations += judge_ends(self._book, book)
        self._book = book
        self.violations += self._notary.judge(evidence)
        for name, count in self._notary.count().items():
            self.figures[name] = count
        attempts = [attempt for call in evidence.calls.values() for attempt in call.attempts]
        self.figures["calls"] = len(evidence.calls)
        self.figures["attempts"] = len(attempts)
        self.figures["holds"] = len(book.holds)
        self.figures["sendings"] = sum(len(call.upstreams) for call in evidence.calls.values())
        self.figures["recovered"] = sum(
            1 for row in book.holds.values() if row["state"] == "posted" and not row["details"]
        )
        self.figures["replayed"] = sum(1 for attempt in attempts if attempt.replayed)
        self.figures["refused"] = sum(1 for attempt in attempts if 400 <= attempt.status < 500)
