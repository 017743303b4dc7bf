"""Who is asked after a failure, and when, and what the client is told when nobody is left."""

from collections.abc import Iterable

import pytest

from tallygate.errors import (
    InternalError,
    NoTarget,
    NothingFits,
    PayloadTooLarge,
    ProviderFailed,
    ProviderNotConnected,
    ProviderOverloaded,
    ProviderRejected,
    ProviderUnreachable,
    TallygateError,
    UnsupportedParameter,
)
from tallygate.genai.plan import Excluded, Plan, Target
from tallygate.pipeline.failures import PAUSE_MS, Failures, Turn
from tallygate.router.gates import Gates
from tallygate.router.settings import RouterSettings

LAB, DEN = Target("lab", "m"), Target("den", "m")
SMALL = Target("lab", "s", "small")
ONE = Plan("m", "chat", (LAB, DEN))
SEVERAL = Plan("m", "chat", (LAB, DEN, SMALL), others=("small",))


def walk(plan: Plan, errors: Iterable[TallygateError], gates: Gates | None = None) -> tuple[list[Turn], Failures]:
    """Whose turn it was, each failing with the next of the errors while one may go on; the last turn has not failed."""
    failures, turns = Failures(plan, gates or Gates()), list[Turn]()
    left = iter(errors)
    while (turn := failures.find_next()) is not None:
        turns.append(turn)
        error = next(left, None)
        if error is None or not failures.note(turn.target, error):
            break
    return turns, failures


@pytest.mark.parametrize(
    ("error", "alone", "among_several"),
    [
        (ProviderOverloaded(), True, True),
        (UnsupportedParameter(), True, True),
        (NothingFits(), True, True),
        (ProviderRejected(), False, True),
        (PayloadTooLarge(), False, True),
        (InternalError(), False, False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_another_may_do_better_goes_on(error: TallygateError, alone: bool, among_several: bool) -> None:
    assert Failures(ONE, Gates()).note(LAB, error) is alone
    assert Failures(SEVERAL, Gates()).note(LAB, error) is among_several


def test_equals_are_spared_what_one_of_them_refused() -> None:
    turns, _ = walk(SEVERAL, [ProviderRejected(), ProviderRejected()])
    assert [turn.target for turn in turns] == [LAB, SMALL]


def test_equals_are_asked_in_turn_after_any_other_failure() -> None:
    turns, _ = walk(SEVERAL, [ProviderOverloaded(), ProviderFailed(), ProviderFailed()])
    assert turns == [Turn(LAB), Turn(DEN, 0), Turn(SMALL, 0)]


@pytest.mark.parametrize(
    ("error", "again_after_s"),
    [
        (ProviderOverloaded(retry_after_s=2), 2.0),
        (ProviderOverloaded(retry_after_s=3), None),
        (ProviderOverloaded(), None),
        (ProviderNotConnected(), PAUSE_MS / 1000),
        (ProviderUnreachable(), None),
        (ProviderFailed(), None),
    ],
)
def test_a_target_is_asked_again_where_nothing_can_have_been_billed(
    error: TallygateError, again_after_s: float | None
) -> None:
    turns, failures = walk(Plan("m", "chat", (LAB,)), [error])
    assert [turn.pause_s for turn in turns[1:]] == ([] if again_after_s is None else [again_after_s])
    failures.note(LAB, ProviderOverloaded(retry_after_s=1))
    assert (failures.find_next() is None) == bool(turns[1:]), "as often as the settings say"


def test_nobody_waits_while_another_can_be_asked_at_once() -> None:
    turns, _ = walk(ONE, [ProviderOverloaded(retry_after_s=2), ProviderOverloaded(retry_after_s=1)])
    assert turns == [Turn(LAB), Turn(DEN, 0), Turn(DEN, 1)]


@pytest.mark.parametrize(("left_ms", "asked"), [(1_001.0, True), (1_000.0, False)])
def test_nobody_waits_longer_than_the_call_may_take(left_ms: float, asked: bool) -> None:
    failures = Failures(Plan("m", "chat", (LAB,)), Gates())
    failures.find_next(left_ms)
    failures.note(LAB, ProviderOverloaded(retry_after_s=1))
    assert (failures.find_next(left_ms) is not None) is asked


def test_nobody_is_asked_again_without_a_budget() -> None:
    gates = Gates(RouterSettings(retry_burst=1))
    alone = Plan("m", "chat", (LAB,))
    assert len(walk(alone, [ProviderNotConnected()], gates)[0]) == 2
    assert len(walk(alone, [ProviderNotConnected()], gates)[0]) == 1
    # Whoever takes over is asked all the same.
    assert len(walk(ONE, [ProviderNotConnected()], gates)[0]) == 2


def test_the_last_failure_is_told() -> None:
    first, last = ProviderOverloaded(), ProviderRejected()
    failures = Failures(SEVERAL, Gates())
    for error in (first, last):
        failures.note(LAB, error)
    assert failures.find_error() is last
    failures.note(SMALL, NothingFits("for provider lab seed would have to be left out"))
    assert failures.find_error() is last, "somebody was asked, and that is what went wrong"


def test_a_lone_failure_is_told_as_it_is() -> None:
    failures = Failures(Plan("m", "chat", (LAB,)), Gates())
    failures.note(LAB, error := ProviderFailed())
    failures.find_error()
    assert (error.message, error.details) == (ProviderFailed().message, {})


def test_every_target_is_told_with_what_became_of_it() -> None:
    barred = Excluded(Target("inn", "m"), "it failed with timeout and is tried again in 3 s", "circuit", 3)
    failures = Failures(Plan("m", "chat", (LAB, DEN), (barred,)), Gates())
    failures.note(LAB, ProviderOverloaded())
    failures.leave_out(Excluded(DEN, "9 calls are under way at provider den, as many as may be", "busy", 1))
    error = failures.find_error()
    assert error.details["attempts"] == (
        "lab/m: 503 overloaded",
        "inn/m: it failed with timeout and is tried again in 3 s",
        "den/m: 9 calls are under way at provider den, as many as may be",
    )
    assert error.message.startswith(f"{ProviderOverloaded().message} Each in turn: lab/m: 503 overloaded; inn/m: it")


def test_a_sentence_does_not_grow_with_the_number_of_targets() -> None:
    places = [Target("lab", f"m{place}") for place in range(30)]
    failures = Failures(Plan("m", "chat", tuple(places)), Gates())
    for target in places:
        failures.note(target, ProviderFailed())
    error = failures.find_error()
    told = error.details["attempts"]
    assert isinstance(told, tuple)
    assert len(told) == 30
    assert error.message.endswith("lab/m9: 502 provider_error; and 20 more.")


def test_a_plan_without_targets_has_nobody_to_ask() -> None:
    failures = Failures(Plan("m", "chat", ()), Gates())
    assert failures.find_next() is None
    assert isinstance(failures.find_error(), NoTarget)


def test_where_nobody_might_be_asked_any_more_the_client_learns_when_to_come_again() -> None:
    failures = Failures(ONE, Gates())
    failures.leave_out(Excluded(LAB, "it asked to be left alone for 9 s more", "cooling", 9))
    failures.leave_out(Excluded(DEN, "it failed with timeout and is tried again in 4 s", "circuit", 4))
    error = failures.find_error()
    assert (type(error), error.retry_after_s) == (NoTarget, 4)
    assert "lab/m: it asked to be left alone for 9 s more; den/m: it failed" in error.message


def test_where_nobody_could_honour_all_of_it_each_is_named() -> None:
    plan = Plan("m", "chat", (LAB, SMALL), (Excluded(DEN, "the caller wants nothing of den", "allowed_providers"),))
    failures = Failures(plan, Gates())
    failures.note(LAB, NothingFits("for provider lab seed would have to be left out"))
    failures.note(SMALL, NothingFits("for provider lab n would have to be left out"))
    error = failures.find_error()
    assert isinstance(error, NothingFits)
    assert error.details["excluded_by"] == ("allowed_providers", "require_parameters")
    assert "lab/m: for provider lab seed would have to be left out" in error.message
    assert "lab/s: for provider lab n" in error.message
    assert "den/m: the caller wants nothing of den" in error.message
