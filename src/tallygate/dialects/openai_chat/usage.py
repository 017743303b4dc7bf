"""Token counts, both ways (platform.openai.com/docs/api-reference/chat/object, `usage`).

How a count that cannot be right is read: a negative, fractional, huge or non-numeric one counts as not given, a part
larger than its whole is cut to it. Where the total is larger than input and output together the rest is output: some
vendors count thinking in the total only (docs.x.ai, ai.google.dev/gemini-api/docs/openai).
"""

from typing import Any, Final, cast

from tallygate.dialects.fields import without_none
from tallygate.genai.messages import Extra
from tallygate.genai.usage import Usage

_TOKENS_MAX: Final = 2**31 - 1

_INPUT = {
    "cached_tokens": "cached_input_tokens",
    "cache_write_tokens": "cache_write_tokens",
    # No vendor's word yet: ours, so that a chain of gateways charges alike.
    "cache_write_1h_tokens": "cache_write_1h_tokens",
    "audio_tokens": "audio_input_tokens",
}
_OUTPUT = {
    "reasoning_tokens": "reasoning_tokens",
    "audio_tokens": "audio_output_tokens",
    "accepted_prediction_tokens": "accepted_prediction_tokens",
    "rejected_prediction_tokens": "rejected_prediction_tokens",
}
# The same number under another name, beside the totals (api-docs.deepseek.com/guides/kv_cache, platform.moonshot.ai).
_CACHED_ELSEWHERE = ("prompt_cache_hit_tokens", "cached_tokens")

_TOTALS = frozenset({"prompt_tokens", "completion_tokens", "total_tokens"})


def read_usage(value: Any) -> tuple[Usage | None, Extra]:
    """The counts in `value` and the members that are none of them. None if it holds no usable count. Never raises."""
    if not isinstance(value, dict):
        return None, {}
    members = cast(dict[str, Any], value)
    given, made = read_count(members.get("prompt_tokens")), read_count(members.get("completion_tokens"))
    total = read_count(members.get("total_tokens"))
    extra = {name: member for name, member in members.items() if name not in _TOTALS}
    if given is None and made is None:
        return None, extra
    input_tokens = given if given is not None else max((total or 0) - (made or 0), 0)
    output_tokens = max(made or 0, (total or 0) - input_tokens)
    parts = _read_parts(extra, "prompt_tokens_details", _INPUT, input_tokens)
    parts |= _read_parts(extra, "completion_tokens_details", _OUTPUT, output_tokens)
    if "cached_input_tokens" not in parts:
        elsewhere = next(
            (count for name in _CACHED_ELSEWHERE if (count := read_count(extra.get(name))) is not None), None
        )
        if elsewhere is not None:
            parts["cached_input_tokens"] = min(elsewhere, input_tokens)
    return Usage(input_tokens, output_tokens, **parts), extra


def _read_parts(extra: Extra, name: str, names: dict[str, str], whole: int) -> dict[str, int]:
    """The known parts under `name`, taken out of `extra`."""
    details = extra.pop(name, None)
    if not isinstance(details, dict):
        return {}
    left = dict(cast(dict[str, Any], details))
    counts = {ours: read_count(left.pop(theirs, None)) for theirs, ours in names.items()}
    if left:
        extra[name] = left
    return {ours: min(count, whole) for ours, count in counts.items() if count is not None}


def read_count(value: Any) -> int | None:
    """A count of tokens: a whole number, also one written as 5.0, from 0 up to what no call reaches."""
    if type(value) is int:  # nearly all are
        return value if 0 <= value <= _TOKENS_MAX else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _TOKENS_MAX:
        return None
    return int(value) if value == int(value) else None


def write_usage(usage: Usage) -> dict[str, Any]:
    """The `usage` member of an answer. Cache writes that live an hour count among the others, too."""
    members: dict[str, Any] = {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
    }
    for name, names in (("prompt_tokens_details", _INPUT), ("completion_tokens_details", _OUTPUT)):
        if details := without_none({theirs: getattr(usage, ours) for theirs, ours in names.items()}):
            members[name] = details
    return members
