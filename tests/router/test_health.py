"""What is learnt from calls that have ended: only from those that say something about the target that served."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tallygate.genai.outcome import Attempt, Outcome
from tallygate.genai.plan import Target
from tallygate.genai.usage import Usage
from tallygate.router import health as healths
from tallygate.router.health import EVERY_NS, FRESH_NS, Health, Pace

LAB = Target("lab", "m")
MS, S = 1_000_000, 1_000_000_000


def outcome(first_ms: int | None = 200, **changes: Any) -> Outcome:
    served: Target = changes.pop("served", LAB)
    fields: dict[str, Any] = {
        "call_id": "c1",
        "operation": "chat",
        "status": "ok",
        "request_model": "m",
        "served": served,
        "attempts": (Attempt(served, 200),),
        "usage": Usage(10, 100),
        "first_chunk_ns": None if first_ms is None else first_ms * MS,
        "duration_ns": 2 * S,
        **changes,
    }
    return Outcome(**fields)


def learn(*outcomes: Outcome) -> Pace:
    health = Health()
    for number, one in enumerate(outcomes):
        health.heed(one, number * EVERY_NS)
    return structs.replace(health.find_pace(LAB, len(outcomes) * EVERY_NS), seen_ns=0)


def test_a_first_call_is_all_that_is_known() -> None:
    assert learn(outcome()) == Pace(200.0, 50.0)


def test_a_newer_call_counts_a_fifth() -> None:
    assert learn(outcome(200), outcome(700)).first_token_ms == 300.0


def test_a_whole_answer_tells_tokens_per_second_only() -> None:
    assert learn(outcome(None)) == Pace(None, 50.0)
    assert learn(outcome(200), outcome(None)).first_token_ms == 200.0


def test_a_short_answer_tells_no_tokens_per_second() -> None:
    assert learn(outcome(usage=Usage(10, 15))) == Pace(200.0, None)
    assert learn(outcome(usage=None)) == Pace(200.0, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "partial"},
        {"status": "cancelled"},
        {"status": "failed"},
        {"served": Target("den", "m")},
        {"attempts": (Attempt(Target("den", "m"), 503, "overloaded"), Attempt(LAB, 200))},
    ],
)
def test_what_says_nothing_of_the_target_is_not_learnt(changes: dict[str, Any]) -> None:
    assert learn(outcome(**changes)) == Pace()
    assert Health().find_pace(LAB, 0) == Pace()


def test_the_name_it_is_sold_under_does_not_matter() -> None:
    health = Health()
    health.heed(outcome(served=Target("lab", "m", "another")), 0)
    assert health.find_pace(LAB, 0).first_token_ms == 200.0


def test_of_calls_in_quick_succession_one_is_learnt_from() -> None:
    health = Health()
    for now_ns in range(0, EVERY_NS, EVERY_NS // 10):
        health.heed(outcome(200 if now_ns == 0 else 9_000), now_ns)
    assert health.find_pace(LAB, EVERY_NS).first_token_ms == 200.0


def test_a_figure_is_forgotten_after_a_while() -> None:
    health = Health()
    health.heed(outcome(200), 0)
    assert health.find_pace(LAB, FRESH_NS) != Pace()
    assert health.find_pace(LAB, FRESH_NS + 1) == Pace()
    health.heed(outcome(900), FRESH_NS + 1)
    assert health.find_pace(LAB, FRESH_NS + 1).first_token_ms == 900.0


def test_what_is_remembered_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(healths, "TARGETS_MAX", 2)
    health = Health()
    for number in range(5):
        health.heed(outcome(served=Target("lab", str(number))), 0)
    known = [health.find_pace(Target("lab", str(number)), 0) != Pace() for number in range(5)]
    assert known == [False, False, False, False, True]


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=30))
def test_an_average_lies_between_what_it_is_of(times_ms: list[int]) -> None:
    took_ms = learn(*map(outcome, times_ms)).first_token_ms
    assert took_ms is not None
    assert min(times_ms) <= round(took_ms, 6) <= max(times_ms)
