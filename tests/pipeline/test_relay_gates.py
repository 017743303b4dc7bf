"""The relay before the gates: who is not asked any more, who tries a target again, and what each attempt teaches."""

import asyncio
import time

import msgspec
import pytest

from tallygate.errors import (
    NoTarget,
    ProviderFailed,
    ProviderNotConnected,
    ProviderTimeout,
    StreamBroken,
    TallygateError,
)
from tallygate.genai.plan import Target
from tallygate.pipeline.relay import Relay, Relayed
from tallygate.pipeline.watch import Watch
from tallygate.providers.base import OwnTimeouts
from tallygate.router.circuits import Verdict
from tallygate.router.gates import WELL, Gates, Ticket
from tallygate.router.settings import RouterSettings
from tallygate.transport.base import Timeouts
from tests.fakes.exits import JSON, KeptClient, Script, ScriptedExit, fetch_nothing
from tests.pipeline.test_relay import DONE, HELLO, PROVIDERS, STOP, WHOLE, admit, make_call, make_plan, serve

pytestmark = pytest.mark.anyio

LAB, DEN = ("lab", "m"), ("den", "m")
S = 10**9
GOOD = Script(headers=JSON, pieces=[WHOLE])
BAD = Script(refuse=ProviderFailed())
BUSY = Script(status=429, headers={**JSON, "retry-after": "1"}, pieces=[b"{}"])


class Clock:
    def __init__(self) -> None:
        self.now_ns = S

    def __call__(self) -> int:
        return self.now_ns


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gates(clock: Clock) -> Gates:
    return Gates(RouterSettings(failures_in_row_max=1), clock)


def status_of(relayed: Relayed) -> tuple[str, list[str]]:
    return relayed.outcome.status, [str(attempt.target) for attempt in relayed.outcome.attempts]


async def test_a_target_that_failed_is_not_asked_by_a_call_whose_plan_is_older(gates: Gates) -> None:
    exit_ = ScriptedExit(BAD, GOOD, GOOD)
    plan = make_plan("lab", "den")
    assert status_of(await serve(make_call(KeptClient()), exit_, plan, gates=gates)) == ("ok", ["lab/m", "den/m"])
    assert status_of(await serve(make_call(KeptClient()), exit_, plan, gates=gates)) == ("ok", ["den/m"])
    assert len(exit_.asked) == 3


async def test_a_call_that_nobody_may_serve_sends_nothing(gates: Gates) -> None:
    gates.judge(LAB, Verdict("failed", code="timeout"), is_probe=False)
    exit_ = ScriptedExit()
    relayed = await serve(make_call(KeptClient()), exit_, gates=gates)
    assert isinstance(relayed.error, NoTarget)
    assert (relayed.error.retry_after_s, relayed.outcome.sent, exit_.asked) == (5, False, [])


@pytest.mark.parametrize(
    ("script", "in_row"),
    [
        (BAD, 1),
        (Script(headers=JSON, pieces=[WHOLE[:9], StreamBroken()]), 1),
        (Script(headers=JSON, pieces=[b"no answer"]), 1),
        (Script(status=400, headers=JSON, pieces=[b'{"error":{"message":"bad temperature"}}']), 0),
        (Script(status=403, headers=JSON, pieces=[b"{}"]), 1),
        (GOOD, 0),
    ],
)
async def test_each_attempt_teaches_what_it_can(script: Script, in_row: int) -> None:
    gates = Gates()
    await serve(make_call(KeptClient()), ScriptedExit(script), gates=gates)
    circuit, _, _ = gates.find_worst().get(LAB, WELL)
    assert circuit.in_row == in_row
    assert gates.count_running(LAB) == 0


async def test_a_client_that_leaves_teaches_nothing() -> None:
    gates, client = Gates(), KeptClient(on_send=lambda _: call.departure.leave())
    call = make_call(client, stream=True)
    await serve(call, ScriptedExit(Script(pieces=[HELLO, asyncio.Event()])), gates=gates)
    assert gates.list_places() == ()


async def test_a_call_that_was_stopped_teaches_nothing() -> None:
    gates, client = Gates(), KeptClient(on_send=lambda _: call.departure.stop(ProviderTimeout()))
    call = make_call(client, stream=True)
    relayed = await serve(call, ScriptedExit(Script(pieces=[HELLO, asyncio.Event()])), gates=gates)
    assert isinstance(relayed.error, ProviderTimeout)
    assert gates.list_places() == ()


async def test_a_stream_that_tries_a_target_frees_it_with_its_first_event(gates: Gates, clock: Clock) -> None:
    gates.judge(LAB, Verdict("failed", code="timeout"), is_probe=False)
    clock.now_ns += 5 * S
    seen: list[int] = []

    def look(_: bytes) -> None:
        seen.append(gates.find_circuit(LAB).openings)
        assert isinstance(gates.enter(Target(*LAB)), Ticket)

    relayed = await serve(
        make_call(KeptClient(on_send=look), stream=True),
        ScriptedExit(Script(pieces=[HELLO, STOP, DONE])),
        gates=gates,
    )
    assert (relayed.outcome.status, seen) == ("ok", [0, 0])


async def test_a_lone_target_is_asked_again_when_it_said_so(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    naps: list[float] = []
    sleep = asyncio.sleep

    async def nap(seconds: float) -> None:
        naps.append(seconds)
        clock.now_ns += int(seconds * S)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", nap)
    relayed = await serve(make_call(KeptClient()), ScriptedExit(BUSY, GOOD), gates=Gates(clock_ns=clock))
    assert status_of(relayed) == ("ok", ["lab/m", "lab/m"])
    assert naps == [1.0]


@pytest.mark.parametrize("left_s", [0.2, 10.0])
async def test_what_was_never_sent_is_sent_again_if_there_is_time(left_s: float) -> None:
    call = make_call(KeptClient())
    call.until_ns = time.monotonic_ns() + int(left_s * S)
    exit_ = ScriptedExit(Script(refuse=ProviderNotConnected()), GOOD)
    relayed = await serve(call, exit_, gates=Gates())
    assert len(exit_.asked) == (2 if left_s > 1 else 1)
    assert (relayed.error is None) == (left_s > 1)


@pytest.mark.parametrize("error", [StreamBroken(), ProviderTimeout(), ProviderFailed()])
async def test_what_may_have_been_billed_is_not_sent_again(error: TallygateError) -> None:
    exit_ = ScriptedExit(Script(refuse=error), GOOD)
    relayed = await serve(make_call(KeptClient()), exit_, gates=Gates())
    assert (relayed.error, len(exit_.asked)) == (error, 1)


async def test_nothing_is_asked_again_once_a_part_of_an_answer_was_handed_on() -> None:
    exit_ = ScriptedExit(Script(pieces=[HELLO, ProviderNotConnected()]), Script(pieces=[HELLO, STOP, DONE]))
    relayed = await serve(make_call(KeptClient(), stream=True), exit_, gates=Gates())
    assert (relayed.outcome.status, len(exit_.asked)) == ("partial", 1)


async def test_the_error_of_several_names_each() -> None:
    exit_ = ScriptedExit(BAD, Script(refuse=ProviderTimeout()))
    relayed = await serve(make_call(KeptClient()), exit_, make_plan("lab", "den"), gates=Gates())
    assert relayed.error is not None
    assert relayed.error.details == {"attempts": ("lab/m: 502 provider_error", "den/m: 504 timeout")}
    assert relayed.error.message.endswith("Each in turn: lab/m: 502 provider_error; den/m: 504 timeout.")


async def test_a_full_provider_is_passed_by() -> None:
    gates = Gates()
    gates.cap({"lab": 1})
    busy = gates.enter(Target(*LAB))
    relayed = await serve(make_call(KeptClient()), ScriptedExit(GOOD), make_plan("lab", "den"), gates=gates)
    assert status_of(relayed) == ("ok", ["den/m"])
    assert isinstance(busy, Ticket)


async def test_a_provider_may_have_times_of_its_own() -> None:
    own = OwnTimeouts(first_byte_ms=7)
    rows = {**PROVIDERS, "den": msgspec.structs.replace(PROVIDERS["den"], timeouts=own)}
    exit_ = ScriptedExit(BAD, GOOD)
    await serve(make_call(KeptClient()), exit_, make_plan("lab", "den"), rows)
    assert [timeouts.first_byte_ms for timeouts in exit_.timeouts] == [300_000, 7]
    assert exit_.timeouts[1].silence_ms == exit_.timeouts[0].silence_ms


async def test_another_target_takes_over_from_one_that_was_only_silent_however_long() -> None:
    alive = asyncio.Event()
    client = KeptClient(on_send=lambda _: alive.set())
    exit_ = ScriptedExit(Script(pieces=[alive, StreamBroken()]), Script(pieces=[HELLO, STOP, DONE]))
    relay = Relay(exit_, lambda: PROVIDERS, Timeouts(), fetch=fetch_nothing, gates=Gates(), silence_s=0.01)
    call = make_call(client, stream=True)
    relayed = await relay.serve(call, make_plan("lab", "den"), admit(), Watch(call))
    assert status_of(relayed) == ("ok", ["lab/m", "den/m"])
    assert (client.status, client.headers["x-tallygate-backend"]) == (200, "lab"), "as was planned when it began"
    assert client.body.startswith(call.streaming.ping)
    assert client.body.endswith(HELLO + STOP)
