"""Token counts, both ways (platform.claude.com/docs/en/api/messages, `usage`).

On this wire `input_tokens` leaves out what was read from and written to the cache; ours is the sum of the three. A
count that cannot be right (negative, fractional, not a number) counts as not given. Of the provider's own tools only
searches have a fee for each use; other members of `server_tool_use` are kept beside.
"""

from typing import Any, Final

from tallygate.dialects.fields import without_none
from tallygate.genai.messages import Extra
from tallygate.genai.usage import Usage

_TOKENS_MAX: Final = 2**31 - 1
_COUNTS: Final = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
_LIVES: Final = ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")

# The tiers in an answer; the vocabulary's words are those of the other large vendor.
_TIERS_READ: Final = {"standard": "default"}
_TIERS_WRITTEN: Final = {"default": "standard", "priority": "priority", "batch": "batch"}


def read_usage(value: Any) -> tuple[Usage | None, str | None, Extra]:
    """The counts in `value`, the service tier, and the members that are neither. Never raises."""
    if not isinstance(value, dict):
        return None, None, {}
    members: dict[str, Any] = dict(value)  # pyright: ignore[reportUnknownArgumentType]
    fresh, made, read, written = (_count(members.pop(name, None)) for name in _COUNTS)
    short, long = _read_parts(members, "cache_creation", _LIVES)
    (thought,) = _read_parts(members, "output_tokens_details", ("thinking_tokens",))
    (searched,) = _read_parts(members, "server_tool_use", ("web_search_requests",))
    tier = members.pop("service_tier", None)
    if not isinstance(tier, str):
        tier = None
    if written is None and (short is not None or long is not None):
        written = (short or 0) + (long or 0)
    extra = {name: member for name, member in members.items() if member is not None}
    if fresh is None and made is None:
        return None, tier, extra
    output_tokens = made or 0
    usage = Usage(
        input_tokens=(fresh or 0) + (read or 0) + (written or 0),
        output_tokens=output_tokens,
        cached_input_tokens=read,
        cache_write_tokens=written,
        cache_write_1h_tokens=None if long is None else min(long, written or 0),
        reasoning_tokens=None if thought is None else min(thought, output_tokens),
        tool_uses=searched,
    )
    return usage, _TIERS_READ.get(tier, tier) if tier else None, extra


def _read_parts(members: dict[str, Any], name: str, names: tuple[str, ...]) -> tuple[int | None, ...]:
    """The known counts of an object inside, taken out; what else it holds stays."""
    inner = members.pop(name, None)
    if not isinstance(inner, dict):
        return (None,) * len(names)
    left: dict[str, Any] = dict(inner)  # pyright: ignore[reportUnknownArgumentType]
    counts = tuple(_count(left.pop(known, None)) for known in names)
    if left:
        members[name] = left
    return counts


def _count(value: Any) -> int | None:
    """A whole number, also one written as 5.0, from 0 up to what no call reaches."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _TOKENS_MAX:
        return None
    return int(value) if value == int(value) else None


def write_usage(usage: Usage | None) -> dict[str, Any]:
    """The `usage` member of an answer. Clients fail without the two counts, so an unknown usage is two zeros."""
    if usage is None:
        return {"input_tokens": 0, "output_tokens": 0}
    read, written, long = usage.cached_input_tokens, usage.cache_write_tokens, usage.cache_write_1h_tokens
    members: dict[str, Any] = {
        "input_tokens": max(usage.input_tokens - (read or 0) - (written or 0), 0),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "output_tokens": usage.output_tokens,
    }
    if long is not None:
        members["cache_creation"] = dict(zip(_LIVES, (max((written or 0) - long, 0), long), strict=True))
    if usage.reasoning_tokens is not None:
        members["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    if usage.tool_uses is not None:
        members["server_tool_use"] = {"web_search_requests": usage.tool_uses}
    return without_none(members)


def write_tier(tier: str | None, *, same: bool) -> str | None:
    """The service tier of an answer; another dialect's only where the words mean the same."""
    if tier is None:
        return None
    return _TIERS_WRITTEN.get(tier, tier if same else None)
