"""Token counts, both ways (developers.openai.com/api/reference/responses, `usage`).

A count that cannot be right is read as not given; one that clients rely on is written as 0 where it is not known.
"""

from typing import Any, Final, cast

from tallygate.genai.messages import Extra
from tallygate.genai.usage import Usage

_TOKENS_MAX: Final = 2**31 - 1

_TOTALS: Final = ("input_tokens", "output_tokens", "total_tokens")
_INPUT: Final = {"cached_tokens": "cached_input_tokens", "cache_write_tokens": "cache_write_tokens"}
_OUTPUT: Final = {"reasoning_tokens": "reasoning_tokens"}


def read_usage(value: Any) -> tuple[Usage | None, Extra]:
    """The counts in `value` and the members that are none of them. None if it holds no usable count. Never raises."""
    if not isinstance(value, dict):
        return None, {}
    extra = dict(cast("dict[str, Any]", value))
    given, made, _ = (_count(extra.pop(name, None)) for name in _TOTALS)
    if given is None and made is None:
        return None, extra
    parts = _read_parts(extra, "input_tokens_details", _INPUT, given or 0)
    parts |= _read_parts(extra, "output_tokens_details", _OUTPUT, made or 0)
    return Usage(given or 0, made or 0, **parts), extra


def _read_parts(extra: Extra, name: str, names: dict[str, str], whole: int) -> dict[str, int]:
    """The known parts under `name`, taken out of `extra`, none larger than its whole."""
    details = extra.pop(name, None)
    if not isinstance(details, dict):
        return {}
    left = dict(cast("dict[str, Any]", details))
    counts = {ours: _count(left.pop(theirs, None)) for theirs, ours in names.items()}
    if left:
        extra[name] = left
    return {ours: min(count, whole) for ours, count in counts.items() if count is not None}


def _count(value: Any) -> int | None:
    """A whole number, also one written as 5.0, from 0 up to what no call reaches."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _TOKENS_MAX:
        return None
    return int(value) if value == int(value) else None


def write_usage(usage: Usage | None) -> dict[str, Any]:
    """The `usage` member of an answer that has ended."""
    usage = usage or Usage()
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {theirs: getattr(usage, ours) or 0 for theirs, ours in _INPUT.items()},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {theirs: getattr(usage, ours) or 0 for theirs, ours in _OUTPUT.items()},
        "total_tokens": usage.total_tokens,
    }
