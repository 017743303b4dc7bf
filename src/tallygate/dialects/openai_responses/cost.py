"""The cost of a call in the usage of a stream's closing event: one more member, as OpenRouter has it on the same wire
(openrouter.ai/docs/use-cases/usage-accounting), and every other byte as it came.

A provider's own `cost` is what the provider asks, not what the caller pays, so ours takes its place.
"""

from typing import Final

import msgspec

from tallygate.dialects.patches import Patch, apply
from tallygate.dialects.scan import list_members
from tallygate.dialects.sse import Parser, SseFrame
from tallygate.genai.peek import Span

_PATH: Final = ("response", "usage")
_COST: Final = "cost"


def tell_cost(closing: bytes, cost_usd: str) -> bytes:
    """The closing bytes with `response.usage.cost`, a number. `cost_usd` is plain decimal text."""
    parser = Parser()
    return b"".join(_tell(piece, cost_usd.encode()) for piece in (*parser.feed(closing), *parser.finish()))


def _tell(piece: SseFrame, cost: bytes) -> bytes:
    at = piece.raw.find(piece.data) if piece.data.startswith(b"{") else -1
    if at < 0:  # not JSON, or spread over several lines
        return piece.raw
    try:
        usage = _find(piece.data)
    except msgspec.DecodeError:
        return piece.raw
    if usage is None:
        return piece.raw
    members = list_members(piece.data[usage.value_start : usage.end])
    known = dict(members).get(_COST)
    patch: Patch
    if known is not None:
        start = at + usage.value_start
        patch = (start + known.value_start, start + known.end, cost)
    else:
        inside = at + usage.end - 1
        patch = (inside, inside, (b"," if members else b"") + b'"cost":' + cost)
    return apply(piece.raw, [patch])


def _find(data: bytes) -> Span | None:
    """Where the object at the path lies, from its first brace to its last; None if there is none."""
    span = Span(0, 0, len(data))
    for name in _PATH:
        inner = dict(list_members(data[span.value_start : span.end])).get(name)
        if inner is None:
            return None
        start = span.value_start + inner.value_start
        value = data[start : span.value_start + inner.end].rstrip()
        if not value.startswith(b"{"):
            return None
        span = Span(start, start, start + len(value))
    return span
