"""The last chunk among a stream's closing bytes, changed in place; what follows and precedes it stays."""

import pytest

from tallygate.dialects.last_chunk import patch_last
from tallygate.dialects.patches import Patch

DONE = b"data: [DONE]\n\n"


def mark(document: bytes) -> list[Patch]:
    return [(len(document) - 1, len(document) - 1, b'"x":1')]


@pytest.mark.parametrize(
    ("closing", "patched"),
    [
        (b"data: {}\n\n" + DONE, b'data: {"x":1}\n\n' + DONE),
        (b"data: {}\n\ndata: {}\n\n: note\n\n" + DONE, b'data: {}\n\ndata: {"x":1}\n\n: note\n\n' + DONE),
        (b"data: {}\n\nevent: error\ndata: {}\n\n", b'data: {"x":1}\n\nevent: error\ndata: {}\n\n'),
    ],
)
def test_the_last_chunk_is_patched(closing: bytes, patched: bytes) -> None:
    assert patch_last(closing, mark) == patched


@pytest.mark.parametrize("closing", [b"", DONE, b": note\n\n" + DONE, b'data: {"a":\ndata: 1}\n\n' + DONE])
def test_a_stream_without_one_stays(closing: bytes) -> None:
    assert patch_last(closing, mark) == closing
