"""A key is taken away while every worker is asked with it, over lines that stay open: no request that begins to leave
after the answer to that has come is ever served; streams that run on it are cut within five seconds, settled once.
"""

import asyncio
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.campaign.book import read_book, wait_until_closed
from tests.campaign.bugs import BUGS
from tests.campaign.conftest import MakeDatabase
from tests.campaign.evidence import gather
from tests.campaign.judge import judge, judge_rest, verdict
from tests.campaign.plan import Plan
from tests.campaign.revoking import Lines, Race
from tests.campaign.stage import Shape, Stage, list_children, start_stage
from tests.faults.caller import make_nonce
from tests.faults.hearing import hear_stream
from tests.faults.journal import Follower
from tests.faults.stage import CROSSINGS, Crossing

SOURCE = random.Random(20261121)
PAUSE_MAX_S = 0.03
CUT_S = 5.0
SLACK_S = 1.5
LINES_EACH = 2

PLAN = Plan(make_nonce(SOURCE), "ann", Crossing("openai", "openai"), "none", stream=False)
STREAMS = [Plan(make_nonce(SOURCE), "ann", SOURCE.choice(CROSSINGS), "trickle", stream=True) for _ in range(4)]


class Way(NamedTuple):
    """A way to take a key away, or what it may do, and what it is refused with from then on."""

    method: str
    path: str
    body: Any
    statuses: tuple[int, ...]


WAYS: dict[str, Way] = {
    "revoke": Way("DELETE", "keys/{key}", None, (401,)),
    "disable user": Way("PATCH", "users/{user}", {"workspace": "rich", "status": "disabled"}, (401,)),
    "forbid": Way("PATCH", "keys/{key}", {"models": ["another"]}, (403,)),
    "limit": Way("PATCH", "limits", {"level": "key", "owner": "{key}", "budgets": {"total": "0.000001"}}, (402, 429)),
}
COMMON = ("revoke",) * 6 + tuple(WAYS)
"""Most are revocations."""


async def race_once(stage: Stage, lines: Lines, number: int, figures: Counter[str]) -> list[str]:
    """One key of a user of its own: what was served too late."""
    admin, way = stage.gateways.admin_key, SOURCE.choice(COMMON)
    user = await lines.administer(admin, "POST", "users", {"workspace": "rich", "name": f"user-{number}"})
    made = await lines.administer(admin, "POST", "keys", {"workspace": "rich", "user": f"user-{number}"})
    method, path, body, statuses = WAYS[way]
    path = path.format(key=made.data["id"], user=user.data["id"])
    if body is not None and body.get("owner"):
        body = {**body, "owner": made.data["id"]}

    async def take_away() -> Any:
        await asyncio.sleep(SOURCE.random() * PAUSE_MAX_S)
        return await lines.administer(admin, method, path, body)

    race = Race(lines, made.data["key"], PLAN)
    told = await race.run(asyncio.create_task(take_away()))
    assert told.status == 200, f"{way}: {told}"
    late = [said for said in race.said if said.left_s > told.at_s]
    assert len(late) >= len(lines.by_worker)
    figures.update(races=1, asked=len(race.said), served=sum(said.status == 200 for said in race.said), late=len(late))
    figures[way] += 1
    return [f"{way}: {said} after {told.at_s}" for said in late if said.status not in statuses]


async def race(stage: Stage, count: int, figures: Counter[str]) -> list[str]:
    """So many, one after the other, on the same lines."""
    gateway = stage.gateways.gateway
    pid = gateway.process.child.pid
    workers = list_children(pid) or [pid]
    figures["workers"] = len(workers)
    lines = Lines(gateway.port, workers, LINES_EACH)
    try:
        await lines.open()
        leaks: list[str] = []
        for number in range(count):
            leaks += await race_once(stage, lines, number, figures)
        return leaks
    finally:
        await lines.close()


def race_on(shape: Shape, url: str, folder: Path, count: int, bug: str = "") -> list[str]:
    """The leaks of so many races; afterwards nothing is held, and the ledger adds up."""
    begun_s, figures = time.monotonic(), Counter[str]()
    with start_stage(folder, shape, url, [PLAN], bug=bug) as stage:
        leaks = asyncio.run(race(stage, count, figures))
        if not leaks:
            assert wait_until_closed(url, CUT_S)
            assert not (rest := judge_rest(read_book(url))), verdict(rest)
            assert stage.gateways.audit()["clean"]
    print(f"\nrevocations, {shape}, {time.monotonic() - begun_s:.0f} s: {dict(figures)}, {len(leaks)} leaks")  # noqa: T201
    return leaks


def test_a_revoked_key_is_served_nowhere(make_database: MakeDatabase, tmp_path: Path) -> None:
    assert race_on("four", make_database("sqlite", tmp_path), tmp_path, 60) == []


@pytest.mark.long
@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_two_thousand_revoked_keys_are_served_nowhere(engine: str, make_database: MakeDatabase, tmp_path: Path) -> None:
    assert race_on("four", make_database(engine, tmp_path), tmp_path, 2_000) == []


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_gateway_that_remembers_keys_is_found(make_database: MakeDatabase, tmp_path: Path) -> None:
    assert BUGS["remember-keys"].breaks == ("K1",)
    assert race_on("four", make_database("sqlite", tmp_path), tmp_path, 40, "remember-keys") != []


async def stream_and_revoke(stage: Stage) -> float:
    """Streams that would never end, whose key is revoked when each has begun. When that was acknowledged."""
    clients = stage.clients(CUT_S + SLACK_S + 10)
    try:
        asking = [asyncio.create_task(clients.ask(plan, stage.gateways.gateway.port)) for plan in STREAMS]
        while clients.counts["got"] < 8 * len(STREAMS):
            await clients.look_around(0.1)
        lines = Lines(stage.gateways.gateway.port, [], 0)
        told = await lines.administer(stage.gateways.admin_key, "DELETE", "keys/ann?workspace=rich")
        assert told.status == 200
        await asyncio.gather(*asking)
        return told.at_s
    finally:
        await clients.close()


def cut_on(shape: Shape, url: str, folder: Path, bug: str = "") -> list[str]:
    """What is wrong with the end of streams whose key was revoked."""
    with start_stage(folder, shape, url, STREAMS, bug=bug) as stage:
        revoked_s = asyncio.run(stream_and_revoke(stage))
        wait_until_closed(url, SLACK_S)
        book = read_book(url)
        evidence = gather(
            Follower(stage.history.path).read(), stage.provider.journal, book, time.time() - time.monotonic()
        )
        wrong = [str(violation) for violation in (*judge(evidence), *judge_rest(book))]
        for call in evidence.calls.values():
            heard, late_s = (
                hear_stream(call.attempts[0].wire, call.attempts[0].body),
                call.attempts[0].ended_s - revoked_s,
            )
            if late_s > CUT_S + SLACK_S or heard.terminators or len(heard.errors) != 1:
                wrong.append(f"K2 {call.nonce}: ended {late_s:.1f} s late, {heard.terminators}, {heard.errors}")
            if [row["state"] for row in call.holds] != ["posted"] or call.holds[0]["charged_nusd"] == 0:
                wrong.append(f"K2 {call.nonce}: {call.holds}")
        return wrong


@pytest.mark.parametrize("engine", ["sqlite"])
def test_streams_of_a_revoked_key_are_cut_and_settled(engine: str, make_database: MakeDatabase, tmp_path: Path) -> None:
    assert cut_on("four", make_database(engine, tmp_path), tmp_path) == []


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("shape", ["four", "two"])
def test_streams_are_cut_on_the_other_engine(shape: Shape, make_database: MakeDatabase, tmp_path: Path) -> None:
    assert cut_on(shape, make_database("postgresql", tmp_path), tmp_path) == []


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_gateway_that_never_cuts_is_found(make_database: MakeDatabase, tmp_path: Path) -> None:
    assert cut_on("one", make_database("sqlite", tmp_path), tmp_path, "never-cut") != []
