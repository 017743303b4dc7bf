"""Who may be asked now: what was learnt of targets in this process, and how many calls are under way at each."""

import logging

import pytest

from tallygate.errors import NoTarget, ProviderNotConnected, ProviderTimeout
from tallygate.genai.plan import Excluded, Plan, Target
from tallygate.router import gates as gating
from tallygate.router.circuits import CLEAN, SERVED, UNKNOWN, Verdict, judge_error
from tallygate.router.gates import Gates, Ticket
from tallygate.router.settings import RouterSettings

S = 10**9
LAB, DEN = Target("lab", "a"), Target("den", "a")
PLAN = Plan("m", "chat", (LAB, DEN))
FAILED = Verdict("failed", code="provider_error")
REFUSED = Verdict("refused", code="provider_refused_gateway")


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
    return Gates(clock_ns=clock)


def enter(gates: Gates, target: Target = LAB) -> Ticket:
    ticket = gates.enter(target)
    assert isinstance(ticket, Ticket), ticket
    return ticket


def ask(gates: Gates, verdict: Verdict, target: Target = LAB) -> None:
    enter(gates, target).end(verdict)


def refusal(gates: Gates, target: Target = LAB) -> Excluded:
    excluded = gates.enter(target)
    assert isinstance(excluded, Excluded)
    return excluded


def test_a_plan_of_the_well_is_left_as_it_is(gates: Gates) -> None:
    ask(gates, SERVED)
    assert gates.keep_open(PLAN) is PLAN
    ask(gates, FAILED)
    assert gates.keep_open(PLAN) is PLAN, "one failure is none"


def test_an_open_circuit_leaves_the_plan_and_says_why(gates: Gates) -> None:
    ask(gates, REFUSED)
    kept = gates.keep_open(PLAN)
    assert kept.targets == (DEN,)
    assert [(item.target, item.cause, item.wait_s) for item in kept.excluded] == [(LAB, "circuit", 60)]
    assert refusal(gates).cause == "circuit", "nor does a call pass whose plan is older"


def test_no_callers_requests_close_a_target_to_others(gates: Gates) -> None:
    for verdict in (FAILED, REFUSED, Verdict("limited", 60 * S), judge_error(ProviderTimeout())):
        for _ in range(20):
            if isinstance(ticket := gates.enter(LAB, "ws_mallory"), Ticket):
                ticket.end(verdict)
    assert isinstance(gates.enter(LAB, "ws_mallory"), Excluded)
    assert gates.keep_open(PLAN, "ws_alice") is PLAN
    other = gates.enter(LAB, "ws_alice")
    assert isinstance(other, Ticket)
    assert not other.is_probe
    other.end(SERVED)
    assert gates.find_worst()["lab", "a"][1] == "open", "the operator sees it"
    gates.forgive("lab")
    assert isinstance(gates.enter(LAB, "ws_mallory"), Ticket)


def test_a_target_that_cannot_be_reached_is_closed_to_all(gates: Gates, clock: Clock) -> None:
    for caller in ("ws_a", "ws_b", "ws_a", "ws_b", "ws_a"):
        ticket = gates.enter(LAB, caller)
        assert isinstance(ticket, Ticket)
        ticket.end(judge_error(ProviderNotConnected()))
    assert gates.keep_open(PLAN, "ws_c").targets == (DEN,)
    clock.now_ns += 5 * S
    probe = gates.enter(LAB, "ws_c")
    assert isinstance(probe, Ticket)
    assert probe.is_probe
    # It was reached: what then went wrong is this caller's affair.
    probe.end(FAILED)
    assert isinstance(gates.enter(LAB, "ws_a"), Ticket)


def test_circuits_are_of_one_model_each(gates: Gates) -> None:
    ask(gates, REFUSED)
    enter(gates, Target("lab", "b"))


def test_where_nobody_is_left_the_call_learns_when_to_come_again(gates: Gates, clock: Clock) -> None:
    ask(gates, REFUSED)
    clock.now_ns += 50 * S
    ask(gates, REFUSED, DEN)
    with pytest.raises(NoTarget) as refused:
        gates.keep_open(PLAN)
    assert refused.value.retry_after_s == 10
    assert "lab/a: it failed with provider_refused_gateway and is tried again in 10 s" in refused.value.message
    assert "den/a: it failed with provider_refused_gateway and is tried again in 60 s" in refused.value.message


def test_one_call_at_a_time_tries_a_target_again(gates: Gates, clock: Clock) -> None:
    ask(gates, REFUSED)
    clock.now_ns += 60 * S
    assert gates.keep_open(PLAN) is PLAN
    assert gates.keep_open(PLAN) is PLAN, "to look takes nobody's turn"
    probe = enter(gates)
    assert probe.is_probe
    assert refusal(gates).reason.endswith("one call is trying it again")
    probe.end(UNKNOWN)
    enter(gates).end(SERVED)
    assert gates.find_circuit(("lab", "a")) == CLEAN
    assert not enter(gates).is_probe


def test_a_stream_need_not_end_before_others_may_ask(gates: Gates, clock: Clock) -> None:
    ask(gates, REFUSED)
    clock.now_ns += 60 * S
    probe = enter(gates)
    probe.prove()
    other = enter(gates)
    assert (probe.is_probe, other.is_probe) == (False, False)
    # What becomes of it after all is one failure like any other.
    probe.end(FAILED)
    other.end(FAILED)
    assert gates.find_circuit(("lab", "a")).in_row == 2


def test_calls_under_way_are_counted_until_they_end(gates: Gates) -> None:
    tickets = [enter(gates), enter(gates), enter(gates, DEN)]
    assert (gates.count_running(("lab", "a")), gates.count_running(("den", "a"))) == (2, 1)
    for ticket in tickets:
        ticket.end(SERVED)
    assert gates.list_places() == ()


def test_a_provider_gets_no_more_calls_at_once_than_it_may_have(gates: Gates) -> None:
    gates.cap({"lab": 2})
    first = enter(gates)
    enter(gates, Target("lab", "b"))
    busy = refusal(gates)
    assert (busy.cause, busy.wait_s) == ("busy", 1)
    assert busy.reason == "2 calls are under way at provider lab, as many as may be"
    assert gates.keep_open(PLAN).targets == (DEN,)
    first.end(SERVED)
    enter(gates)


def test_no_turn_is_taken_where_there_is_no_room(gates: Gates, clock: Clock) -> None:
    ask(gates, REFUSED)
    clock.now_ns += 60 * S
    gates.cap({"lab": 1})
    other = enter(gates, Target("lab", "b"))
    assert refusal(gates).cause == "busy"
    other.end(SERVED)
    assert enter(gates).is_probe


def test_a_provider_that_has_changed_is_asked_at_once(gates: Gates) -> None:
    for target in (LAB, DEN):
        ask(gates, REFUSED, target)
    gates.forgive("lab")
    enter(gates).end(SERVED)
    assert refusal(gates, DEN).cause == "circuit"


def test_circuits_can_be_switched_off(clock: Clock) -> None:
    gates = Gates(RouterSettings(circuits=False), clock)
    ask(gates, REFUSED)
    enter(gates)
    gates = Gates(clock_ns=clock)
    ask(gates, REFUSED)
    gates.use(RouterSettings(circuits=False))
    enter(gates)


def test_what_is_remembered_has_an_end(gates: Gates, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gating, "PLACES_MAX", 2)
    ask(gates, REFUSED)
    clock.now_ns += 60 * S
    probe = enter(gates)
    for name in ("b", "c", "d"):
        ask(gates, REFUSED, Target("lab", name))
    assert [place[1] for place in gates.list_places()] == ["a", "d"], "but not who is being tried"
    probe.end(SERVED)


def test_the_log_says_when_a_circuit_opens_and_closes(
    gates: Gates, clock: Clock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gating.logger, "propagate", True)
    caplog.set_level(logging.INFO, "tallygate")
    ask(gates, REFUSED)
    clock.now_ns += 60 * S
    ask(gates, SERVED)
    assert [record.getMessage() for record in caplog.records] == [
        "target 'lab/a' failed with provider_refused_gateway and is left alone for 60 s",
        "target 'lab/a' serves again",
    ]
