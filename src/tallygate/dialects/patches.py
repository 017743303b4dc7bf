"""Changes to a raw body in place: each replaces a range of its bytes, and every other byte stays as it came.

Which ranges, and with what, is a dialect's business; this file only puts the pieces together without copying the body.
"""

import msgspec

from tallygate.genai.peek import Span

Patch = tuple[int, int, bytes]
"""Replace `body[start:end]` by these bytes."""


def replace(span: Span, value: bytes) -> Patch:
    """The patch that gives a member another value."""
    return span.value_start, span.end, value


def replace_text(span: Span, text: str) -> Patch:
    """The patch that gives a member a string as its value."""
    return replace(span, msgspec.json.encode(text))


def apply(body: bytes, patches: list[Patch]) -> bytes:
    """The body with the patches made, which must not overlap; the very same object if there are none."""
    if not patches:
        return body
    view = memoryview(body)  # slices of it are not copies: a body may be megabytes of picture
    pieces: list[bytes | memoryview] = []
    position = 0
    for start, end, replacement in sorted(patches):
        pieces += (view[position:start], replacement)
        position = end
    return b"".join((*pieces, view[position:]))
