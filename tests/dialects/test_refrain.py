"""One string, and all around it."""

import pytest

from tallygate.dialects.refrain import RAW_BYTES_MAX, Refrain, compile_member, suppose

WORD = compile_member("word")
EVENT = b'data: {"word": "a","n":1}\n\n'


def learn(raw: bytes) -> Refrain:
    refrain = suppose(raw, WORD)
    assert refrain is not None
    return refrain


def test_the_like_of_an_event_is_found() -> None:
    assert learn(EVENT).find(b'data: {"word": "\\u00e9\\"b","n":1}\n\n') == 'é"b'
    assert learn(EVENT).fill("b") == b'data: {"word": "b","n":1}\n\n'


@pytest.mark.parametrize(
    "raw",
    [
        b'data: {"word": "a","n":2}\n\n',
        b'data: {"word":"a","n":1}\n\n',
        b'data: {"word": "a","n":1}\n\ndata: {"word": "a","n":1}\n\n',
        b'data: {"word": "a\nb","n":1}\n\n',
        b'data: {"word": "a" , "b","n":1}\n\n',
        b'data: {"word": "\xff","n":1}\n\n',
        b'data: {"word": "\\","n":1}\n\n',
        b'data: {"word": "' + b"a" * RAW_BYTES_MAX + b'","n":1}\n\n',
    ],
)
def test_all_else_is_not(raw: bytes) -> None:
    assert learn(EVENT).find(raw) is None


def test_head_and_tail_do_not_overlap() -> None:
    assert learn(b'"word":"a"').find(b'"word":"') is None


def test_an_event_without_the_member_has_none() -> None:
    assert suppose(b'data: {"other":"a"}\n\n', WORD) is None
    assert suppose(b'data: {"word":7}\n\n', WORD) is None
