"""Counts as providers send them, honest and hostile."""

from typing import Any

import pytest
from hypothesis import given

from tallygate.dialects.openai_chat.usage import read_usage, write_usage
from tallygate.genai.usage import Usage
from tests.laws.strategies import JSON


def counts(prompt: Any = 5, completion: Any = 7, total: Any = 12, **more: Any) -> dict[str, Any]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total, **more}


@pytest.mark.parametrize(
    ("value", "usage"),
    [
        (counts(), Usage(5, 7)),
        (counts(0, 0, 0), Usage(0, 0)),
        (counts(5.0, 7.0, 12.0), Usage(5, 7)),
        (counts(total=None), Usage(5, 7)),
        (counts(total=1), Usage(5, 7)),
        (counts(completion=None), Usage(5, 7)),
        (counts(prompt=None), Usage(5, 7)),
        (counts(completion=None, total=None), Usage(5, 0)),
        (counts(completion="7", total=None), Usage(5, 0)),
        # Thinking that is counted in the total only is output.
        (counts(total=20), Usage(5, 15)),
        # Counts that cannot be right are not counts.
        (counts(prompt=-5, completion=-7), None),
        (counts(prompt="5", completion="7"), None),
        (counts(prompt=1.5, completion=True), None),
        (counts(prompt=2**63, completion=1e30), None),
        (counts(None, None, None), None),
        (counts(None, None, 12), None),
        ({}, None),
        (None, None),
        ([], None),
        ("12", None),
        (
            counts(prompt_tokens_details={"cached_tokens": 2, "cache_write_tokens": 1, "audio_tokens": 3}),
            Usage(5, 7, cached_input_tokens=2, cache_write_tokens=1, audio_input_tokens=3),
        ),
        (
            counts(
                completion_tokens_details={
                    "reasoning_tokens": 4,
                    "audio_tokens": 1,
                    "accepted_prediction_tokens": 2,
                    "rejected_prediction_tokens": 3,
                }
            ),
            Usage(
                5,
                7,
                reasoning_tokens=4,
                audio_output_tokens=1,
                accepted_prediction_tokens=2,
                rejected_prediction_tokens=3,
            ),
        ),
        # A part is never larger than its whole, and a senseless one is not there.
        (counts(prompt_tokens_details={"cached_tokens": 99}), Usage(5, 7, cached_input_tokens=5)),
        (counts(completion_tokens_details={"reasoning_tokens": 99}), Usage(5, 7, reasoning_tokens=7)),
        (counts(prompt_tokens_details={"cached_tokens": -1}), Usage(5, 7)),
        (counts(prompt_tokens_details=None, completion_tokens_details="x"), Usage(5, 7)),
        # The same number elsewhere.
        (counts(prompt_cache_hit_tokens=2, prompt_cache_miss_tokens=3), Usage(5, 7, cached_input_tokens=2)),
        (counts(cached_tokens=9), Usage(5, 7, cached_input_tokens=5)),
    ],
)
def test_counts_are_read_as_documented(value: Any, usage: Usage | None) -> None:
    assert read_usage(value)[0] == usage


def test_what_is_no_count_is_kept() -> None:
    value = counts(cost=0.5, prompt_tokens_details={"cached_tokens": 1, "video_tokens": 2})
    assert read_usage(value)[1] == {"cost": 0.5, "prompt_tokens_details": {"video_tokens": 2}}


@given(JSON, JSON, JSON, JSON, JSON)
def test_no_usage_breaks_the_rules(prompt: Any, completion: Any, total: Any, inside: Any, outside: Any) -> None:
    details = {"cached_tokens": inside}, {"reasoning_tokens": outside}
    value = counts(prompt, completion, total, prompt_tokens_details=details[0], completion_tokens_details=details[1])
    usage, _ = read_usage(value)
    if usage is not None:
        assert 0 <= (usage.cached_input_tokens or 0) <= usage.input_tokens
        assert 0 <= (usage.reasoning_tokens or 0) <= usage.output_tokens
        assert read_usage(write_usage(usage))[0] == usage
