"""Token counts, both ways (developers.openai.com/api/reference/responses, `usage`).

A count that cannot be right is read as not given; one that clients rely on is written as 0 where it is not known.
"""

from collections.abc import Iterable
from typing import Any, Final, cast

from msgspec import structs

from tallygate.genai.messages import Extra
from tallygate.genai.usage import Usage

_TOKENS_MAX: Final = 2**31 - 1

_TOTALS: Final = ("input_tokens", "output_tokens", "total_tokens")
_INPUT: Final = {"cached_tokens": "cached_input_tokens", "cache_write_tokens": "cache_write_tokens"}
_LONG: Final = {"cache_write_1h_tokens": "cache_write_1h_tokens"}
"""No vendor's word yet: ours, so that a chain of gateways charges alike. Written only where it is known."""
_OUTPUT: Final = {"reasoning_tokens": "reasoning_tokens"}


def read_usage(value: Any) -> tuple[Usage | None, Extra]:
    """The counts in `value` and the members that are none of them. None if it holds no usable count. Never raises."""
    if not isinstance(value, dict):
        return None, {}
    extra = dict(cast("dict[str, Any]", value))
    given, made, _ = (_count(extra.pop(name, None)) for name in _TOTALS)
    if given is None and made is None:
        return None, extra
    parts = _read_parts(extra, "input_tokens_details", {**_INPUT, **_LONG}, given or 0)
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


_SEARCH: Final = "web_search_call"
_WITH_A_FEE: Final = frozenset({_SEARCH, "file_search_call"})
"""Items that tell of a use of the provider's own tools which has a fee."""


def count_uses(usage: Usage, kinds: Iterable[str], extra: Extra) -> Usage:
    """The counts with the uses of the provider's own tools: of `kinds`, the types of the answer's items, those with a
    fee; of searches as many as the answer says are paid for. `extra` is the answer's.
    """
    fees = [kind for kind in kinds if kind in _WITH_A_FEE]
    told: Any = extra.get("tool_usage")
    searches: Any = cast("Extra", told).get("web_search") if isinstance(told, dict) else None
    paid = _count(cast("Extra", searches).get("num_requests")) if isinstance(searches, dict) else None
    uses = len(fees) if paid is None else paid + sum(kind != _SEARCH for kind in fees)
    return structs.replace(usage, tool_uses=uses) if uses else usage


def write_usage(usage: Usage | None) -> dict[str, Any]:
    """The `usage` member of an answer that has ended."""
    usage = usage or Usage()
    long = {theirs: count for theirs, ours in _LONG.items() if (count := getattr(usage, ours)) is not None}
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {**{theirs: getattr(usage, ours) or 0 for theirs, ours in _INPUT.items()}, **long},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {theirs: getattr(usage, ours) or 0 for theirs, ours in _OUTPUT.items()},
        "total_tokens": usage.total_tokens,
    }
