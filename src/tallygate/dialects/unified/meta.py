"""What an answer tells of itself, put into the `meta` of an envelope or of a stream's last chunk in place, and every
other byte as it was.
"""

from collections.abc import Mapping

import msgspec

from tallygate.dialects.last_chunk import patch_last
from tallygate.dialects.patches import Patch, apply
from tallygate.dialects.scan import list_members

_META = "meta"


def tell_meta(closing: bytes, facts: Mapping[str, str], *, stream: bool) -> bytes:
    """A whole answer, or the end of a stream, with `facts` as its `meta`; unchanged if there is no place for them."""
    value = msgspec.json.encode(facts)
    if not stream:
        return apply(closing, [_put(closing, value)])
    return patch_last(closing, lambda chunk: [_put(chunk, value)])


def _put(document: bytes, value: bytes) -> Patch:
    """The patch that gives a JSON object the member, in place of the one that is there or as its last."""
    members = dict(list_members(document))
    if (known := members.get(_META)) is not None:
        return known.value_start, known.end, value
    inside = document.rindex(b"}")
    return inside, inside, b'%b"%b":%b' % (b"," if members else b"", _META.encode(), value)
