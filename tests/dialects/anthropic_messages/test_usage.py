"""Counts as this wire has them, with the cache beside the input, and as the vocabulary has them, with it inside."""

from typing import Any

import pytest

from tallygate.dialects.anthropic_messages.usage import read_usage, write_usage
from tallygate.genai.usage import Usage


def test_cached_tokens_are_part_of_the_input() -> None:
    usage, tier, left = read_usage(
        {
            "input_tokens": 10,
            "cache_creation_input_tokens": 300,
            "cache_read_input_tokens": 2_000,
            "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
            "output_tokens": 50,
            "output_tokens_details": {"thinking_tokens": 40},
            "server_tool_use": {"web_search_requests": 1, "web_fetch_requests": 2},
            "service_tier": "standard",
        }
    )
    assert usage == Usage(
        2_310,
        50,
        cached_input_tokens=2_000,
        cache_write_tokens=300,
        cache_write_1h_tokens=200,
        reasoning_tokens=40,
        tool_uses=1,
    )
    assert (tier, left) == ("default", {"server_tool_use": {"web_fetch_requests": 2}})
    assert write_usage(usage) == {
        "input_tokens": 10,
        "cache_creation_input_tokens": 300,
        "cache_read_input_tokens": 2_000,
        "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
        "output_tokens": 50,
        "output_tokens_details": {"thinking_tokens": 40},
        "server_tool_use": {"web_search_requests": 1},
    }


@pytest.mark.parametrize(
    ("value", "usage"),
    [
        ({"input_tokens": 5, "output_tokens": 7.0}, Usage(5, 7)),
        ({"output_tokens": 7}, Usage(0, 7)),
        ({"input_tokens": 5, "cache_creation": {"ephemeral_1h_input_tokens": 3}}, Usage(8, 0, None, 3, 3)),
        ({"input_tokens": 5, "cache_read_input_tokens": -1}, Usage(5, 0)),
        ({"input_tokens": True}, None),
        ({"input_tokens": 2**40}, None),
        ({"input_tokens": "5"}, None),
        ([], None),
        (None, None),
    ],
)
def test_counts_that_cannot_be_right_count_as_not_given(value: Any, usage: Usage | None) -> None:
    assert read_usage(value)[0] == usage


def test_clients_get_their_two_counts_always() -> None:
    assert write_usage(None) == {"input_tokens": 0, "output_tokens": 0}


def test_a_cache_larger_than_the_input_leaves_no_negative_count() -> None:
    assert write_usage(Usage(5, 1, cached_input_tokens=9))["input_tokens"] == 0
