"""Hints about where and how long a provider may keep a prompt for calls to come.

They change the price of a call, never its answer. A mark stands in the `extra` of the part, tool or request that it is
on, under the one name that every wire with marks gives it; a key and a time to keep stand in the request's.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

from tallygate.genai.messages import Extra

CacheHint = Literal["cache_control", "prompt_cache_key", "prompt_cache_retention"]

MARK: Final = "cache_control"
"""The prompt up to and with what bears it may be kept: ``{"type": "ephemeral", "ttl": "5m" or "1h"}``
(platform.claude.com/docs/en/build-with-claude/prompt-caching, openrouter.ai/docs/features/prompt-caching)."""
KEY: Final = "prompt_cache_key"
"""Calls with the same key are likely to have the same beginning (platform.openai.com/docs/guides/prompt-caching)."""
RETENTION: Final = "prompt_cache_retention"
"""How long a beginning may be kept; the same page."""


def take_mark(extra: Extra) -> tuple[Any, Extra]:
    """The mark among the members of an object, None if there is none, and the members without it."""
    if MARK not in extra:
        return None, extra
    return extra[MARK], {name: value for name, value in extra.items() if name != MARK}


def mark_last(items: list[dict[str, Any]], mark: Mapping[str, Any] | None) -> bool:
    """Put the mark of a whole onto the last of its pieces, where it means the same, unless that has one of its own.

    False if there is a mark and no piece to bear it.
    """
    if mark is not None and items:
        items[-1].setdefault(MARK, mark)
    return mark is None or bool(items)
