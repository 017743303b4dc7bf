"""The cost of a call in the usage chunk of its stream: one more member of `usage`, as OpenRouter has it on the same
wire (openrouter.ai/docs/use-cases/usage-accounting), and every other byte as it came.

A provider's own `cost` is what the provider asks, not what the caller pays, so ours takes its place.
"""

import msgspec

from tallygate.dialects.patches import Patch, apply
from tallygate.dialects.scan import list_members
from tallygate.dialects.sse import Parser, SseFrame


def tell_cost(closing: bytes, cost_usd: str) -> bytes:
    """The closing bytes with `usage.cost`, a number, in each chunk that has usage. `cost_usd` is plain decimal text."""
    parser = Parser()
    return b"".join(_tell(piece, cost_usd.encode()) for piece in (*parser.feed(closing), *parser.finish()))


def _tell(piece: SseFrame, cost: bytes) -> bytes:
    at = piece.raw.find(piece.data) if piece.data.startswith(b"{") else -1
    if at < 0:  # not JSON, or spread over several lines
        return piece.raw
    try:
        usage = dict(list_members(piece.data)).get("usage")
    except msgspec.DecodeError:
        return piece.raw
    if usage is None or piece.data[usage.value_start : usage.value_start + 1] != b"{":
        return piece.raw
    value = piece.data[usage.value_start : usage.end].rstrip()
    start = at + usage.value_start
    members = list_members(value)
    known = dict(members).get("cost")
    patch: Patch
    if known is not None:
        patch = (start + known.value_start, start + known.end, cost)
    else:
        inside = start + len(value) - 1
        patch = (inside, inside, (b"," if members else b"") + b'"cost":' + cost)
    return apply(piece.raw, [patch])
