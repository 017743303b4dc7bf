"""What an answer tells of itself, put into the `meta` of an envelope or of a stream's last chunk in place, and every
other byte as it was.
"""

from collections.abc import Mapping

import msgspec

from tallygate.dialects.patches import Patch, apply
from tallygate.dialects.scan import list_members
from tallygate.dialects.sse import Parser

_META = "meta"


def tell_meta(closing: bytes, facts: Mapping[str, str], *, stream: bool) -> bytes:
    """A whole answer, or the end of a stream, with `facts` as its `meta`; unchanged if there is no place for them."""
    value = msgspec.json.encode(facts)
    if not stream:
        return apply(closing, [_put(closing, value)])
    parser = Parser()
    raws: list[bytes] = []
    last: tuple[int, bytes] | None = None
    for piece in (*parser.feed(closing), *parser.finish()):
        if piece.data.startswith(b"{") and not piece.event and piece.data in piece.raw:
            last = len(raws), piece.data
        raws.append(piece.raw)
    if last is not None:
        place, data = last
        raws[place] = raws[place].replace(data, apply(data, [_put(data, value)]), 1)
    return b"".join(raws)


def _put(document: bytes, value: bytes) -> Patch:
    """The patch that gives a JSON object the member, in place of the one that is there or as its last."""
    members = dict(list_members(document))
    if (known := members.get(_META)) is not None:
        return known.value_start, known.end, value
    inside = document.rindex(b"}")
    return inside, inside, b'%b"%b":%b' % (b"," if members else b"", _META.encode(), value)
