"""Who is asked after a failure, and what the client is told when nobody is left."""

import pytest

from tallygate.errors import (
    InternalError,
    NoTarget,
    NothingFits,
    PayloadTooLarge,
    ProviderOverloaded,
    ProviderRejected,
    TallygateError,
    UnsupportedParameter,
)
from tallygate.genai.plan import Excluded, Plan, Target
from tallygate.pipeline.failures import Failures

LAB, DEN = Target("lab", "m"), Target("den", "m")
SMALL = Target("lab", "s", "small")
ONE = Plan("m", "chat", (LAB, DEN))
SEVERAL = Plan("m", "chat", (LAB, DEN, SMALL), others=("small",))


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
    assert Failures(ONE).note(LAB, error) is alone
    assert Failures(SEVERAL).note(LAB, error) is among_several


def test_equals_are_spared_what_one_of_them_refused() -> None:
    failures = Failures(SEVERAL)
    failures.note(LAB, ProviderRejected())
    assert failures.is_spared(DEN)
    assert not failures.is_spared(SMALL)
    failures.note(SMALL, ProviderRejected())
    assert failures.is_spared(SMALL)


def test_equals_are_asked_after_any_other_failure() -> None:
    failures = Failures(SEVERAL)
    failures.note(LAB, ProviderOverloaded())
    assert not failures.is_spared(DEN)


def test_the_last_failure_is_told() -> None:
    first, last = ProviderOverloaded(), ProviderRejected()
    failures = Failures(SEVERAL)
    for error in (first, last):
        failures.note(LAB, error)
    assert failures.find_error() is last
    failures.note(SMALL, NothingFits("for provider lab seed would have to be left out"))
    assert failures.find_error() is last, "somebody was asked, and that is what went wrong"


def test_a_plan_without_targets_has_nobody_to_ask() -> None:
    assert isinstance(Failures(Plan("m", "chat", ())).find_error(), NoTarget)


def test_where_nobody_could_honour_all_of_it_each_is_named() -> None:
    plan = Plan("m", "chat", (LAB, SMALL), (Excluded(DEN, "the caller wants nothing of den", "allowed_providers"),))
    failures = Failures(plan)
    failures.note(LAB, NothingFits("for provider lab seed would have to be left out"))
    failures.note(SMALL, NothingFits("for provider lab n would have to be left out"))
    error = failures.find_error()
    assert isinstance(error, NothingFits)
    assert error.details["excluded_by"] == ("allowed_providers", "require_parameters")
    assert "lab/m: for provider lab seed would have to be left out" in error.message
    assert "lab/s: for provider lab n" in error.message
    assert "den/m: the caller wants nothing of den" in error.message
