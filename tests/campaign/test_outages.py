"""Two replicas, whose database is killed or stopped under load and comes back: meanwhile calls are refused quickly,
soon afterwards they are served again, and nothing is lost: no settled answer, no acknowledged top-up, no hold.
"""

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import pytest

from tests.campaign.book import Poller, read_book, wait_until_closed
from tests.campaign.client import Clients
from tests.campaign.evidence import gather
from tests.campaign.judge import Violation, judge, judge_rest, judge_snapshot, verdict
from tests.campaign.notary import Notary
from tests.campaign.plan import Plan, plan_good, plan_mixed
from tests.campaign.stage import GOOD, RECOVER_S, TOWN, Stage, start_stage
from tests.faults.journal import Follower
from tests.fixtures.postgresql import PrivateServer

Way = Literal["kill", "freeze"]

SEED = 20261121
REFUSED_S, BACK_S = 2.0, 10.0
SLACK_S = 1.0
"""What a crowded machine may add."""
AWAY_S = 4.0
LEASE_S = 15.0
"""As it is unless it was set: one replica may find the database seconds before the other does."""
LOAD_AT_ONCE = 10
MIXED, GOOD_ONES = 160, 160


class Probe(NamedTuple):
    """A call made to find out: when, how long it took, and its status."""

    asked_s: float
    took_s: float
    status: int


class Outage:
    """One of them, on a stage. Its calls are used up, one after the other."""

    def __init__(self, stage: Stage, server: PrivateServer, source: random.Random, plans: "Plans") -> None:
        self._stage, self._server, self._source = stage, server, source
        self._mixed, self._good = iter(plans.mixed), iter(plans.good)
        self._stop = asyncio.Event()
        self.probes: list[Probe] = []
        self.back_s: list[float] = []
        self.gone_s = self.returns_s = 0.0

    async def run(self, way: Way, serials: Iterator[int]) -> None:
        """Load; the database goes; it comes back; everybody is served again."""
        clients = self._stage.clients(60.0)
        try:
            loading = [asyncio.create_task(self._load(clients)) for _ in range(LOAD_AT_ONCE)]
            paying = asyncio.create_task(self._pay(clients, serials))
            begun = self._source.randrange(5, 40)
            while clients.counts["head"] < begun:
                await clients.look_around(0.1)
            await asyncio.to_thread(self._server.kill if way == "kill" else self._server.freeze)
            self.gone_s = time.monotonic()
            probing = [asyncio.create_task(self._probe(clients, port)) for port in self._stage.gateways.ports]
            await asyncio.sleep(AWAY_S)
            self.returns_s = time.monotonic()
            await asyncio.to_thread(self._server.start if way == "kill" else self._server.thaw)
            returned_s = time.monotonic()
            self.back_s = [at_s - returned_s for at_s in await asyncio.gather(*probing)]
            self._stop.set()
            await asyncio.gather(*loading, paying)
        finally:
            await clients.close()

    async def _load(self, clients: Clients) -> None:
        while not self._stop.is_set() and (plan := next(self._mixed, None)):
            answered = await clients.ask(plan, self._source.choice(self._stage.gateways.ports))
            if answered.status != 200:
                await asyncio.sleep(0.5)

    async def _probe(self, clients: Clients, port: int) -> float:
        """One call after the other at one replica, from the outage on until one is served. When that was."""
        for plan in self._good:
            asked_s = time.monotonic()
            answered = await clients.ask(plan, port)
            now_s = time.monotonic()
            self.probes.append(Probe(asked_s, now_s - asked_s, answered.status))
            if self.returns_s and answered.status == 200:
                return now_s
            await asyncio.sleep(0.1)
        return float("inf")

    async def _pay(self, clients: Clients, serials: Iterator[int]) -> None:
        """Top-ups under ids of their own, each asked for until it is acknowledged."""
        admin_key = self._stage.gateways.admin_key
        while not self._stop.is_set():
            body, status = {"workspace": "poor", "usd": "0.005", "id": f"more-{next(serials)}"}, 0
            while status not in (200, 201):
                port = self._source.choice(self._stage.gateways.ports)
                status = await clients.administer(port, admin_key, "POST", "credit", body)
                await asyncio.sleep(0.05)

    def judge(self) -> list[str]:
        """Whether refusals were quick, and the return was."""
        wrong: list[str] = []
        for probe in self.probes:
            is_away = self.gone_s <= probe.asked_s and probe.asked_s + REFUSED_S < self.returns_s
            if is_away and (probe.status != 503 or probe.took_s > REFUSED_S + SLACK_S):
                wrong.append(f"D4: {probe.status} after {probe.took_s:.1f} s, while the database was away")
        wrong += [f"D4: served again {late_s:.1f} s after its return" for late_s in self.back_s if late_s > BACK_S]
        return wrong


class Plans:
    """The calls of one outage: the load, and probes that have to succeed once the database is there."""

    def __init__(self, source: random.Random) -> None:
        self.mixed = plan_mixed(source, MIXED, TOWN)
        self.good = plan_good(source, GOOD_ONES, GOOD[2:])

    @property
    def all(self) -> list[Plan]:
        return [*self.mixed, *self.good]


@pytest.fixture(scope="module")
def own_server() -> Generator[PrivateServer]:
    """A server that may be killed."""
    with PrivateServer() as server:
        yield server


def go_through(server: PrivateServer, folder: Path, ways: list[Way]) -> None:
    """Outage after outage on one stage, judged after each."""
    source, serials, figures = random.Random(SEED), itertools.count(), Counter[str]()
    url = server.create_database(f"outage_{folder.name}")
    outages = [Plans(source) for _ in ways]
    slowest_s, latest_s, begun_s = 0.0, 0.0, time.monotonic()
    calls = [plan for plans in outages for plan in plans.all]
    with start_stage(folder, "two", url, calls, lease_s=LEASE_S) as stage:
        notary = Notary(stage, source, RECOVER_S)
        notary.plans.update((plan.nonce, plan) for plan in calls)
        for way, plans in zip(ways, outages, strict=True):
            outage = Outage(stage, server, source, plans)
            with Poller(url, judge_snapshot) as poller, notary.stranger:
                asyncio.run(outage.run(way, serials))
            assert wait_until_closed(url, BACK_S)
            wrong = [*outage.judge(), *map(str, poller.found)]
            violations = judge_all(stage, url, notary)
            assert not wrong, f"{way}: {wrong[:10]}"
            assert not violations, f"{way}: {verdict(violations)}"
            figures.update(outages=1, probes=len(outage.probes), snapshots=poller.looks)
            slowest_s = max(slowest_s, *(probe.took_s for probe in outage.probes if probe.status == 503))
            latest_s = max(latest_s, *outage.back_s)
        violations = notary.conclude()
        assert not violations, verdict(violations)
        assert stage.gateways.audit()["clean"]
        figures.update(notary.count())
        figures["calls"] = len(read_book(url).holds)
    print(  # noqa: T201 - the figures are the point
        f"\noutages, {time.monotonic() - begun_s:.0f} s: {dict(figures)}; "
        f"refused within {slowest_s:.2f} s, served again after {latest_s:.2f} s at the latest"
    )


def judge_all(stage: Stage, url: str, notary: Notary) -> list[Violation]:
    """As after a kill; and nobody was taken for dead, for nobody died."""
    book = read_book(url)
    evidence = gather(Follower(stage.history.path).read(), stage.provider.journal, book, time.time() - time.monotonic())
    lost = [
        Violation("D4", row["id"], "a living process's call was ended by another")
        for call in evidence.calls.values()
        for row in call.holds
        if row["state"] == "posted" and not row["details"] and call.upstreams
    ]
    return [*judge(evidence), *judge_rest(book), *lost, *notary.judge(evidence)]


def test_a_database_that_dies_takes_nothing_along(own_server: PrivateServer, tmp_path: Path) -> None:
    go_through(own_server, tmp_path, ["kill"])


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_many_outages_take_nothing_along(own_server: PrivateServer, tmp_path: Path) -> None:
    go_through(own_server, tmp_path, ["kill", "kill", "freeze"] * 8)
