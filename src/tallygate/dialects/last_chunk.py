"""Changes to the last chunk among the closing bytes of a stream whose chunks are JSON on one line.

What follows it, a terminator or a comment, stays behind it; a stream that closes without a chunk stays as it is.
"""

from collections.abc import Callable

from tallygate.dialects.patches import Patch, apply
from tallygate.dialects.sse import Parser


def patch_last(closing: bytes, make_patches: Callable[[bytes], list[Patch]]) -> bytes:
    """The closing bytes with the patches that `make_patches` has for the JSON of their last chunk. Events with a name
    are no chunks.
    """
    parser = Parser()
    raws: list[bytes] = []
    last: tuple[int, bytes] | None = None
    for piece in (*parser.feed(closing), *parser.finish()):
        if piece.data.startswith(b"{") and not piece.event and piece.data in piece.raw:
            last = len(raws), piece.data
        raws.append(piece.raw)
    if last is not None:
        place, data = last
        raws[place] = raws[place].replace(data, apply(data, make_patches(data)), 1)
    return b"".join(raws)
