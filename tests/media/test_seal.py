"""Sealed bytes: the same come out, in any pieces; anything else is noticed."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.media.seal import OVERHEAD_BYTES, SEGMENT_BYTES_MAX, Damaged, Sealer, Segment, Unsealer

KEY = bytes(range(32))
NAME = "spool/abc-hold_1"
PREFIX_BYTES = 40

PARTS = st.lists(st.binary(max_size=64), min_size=1, max_size=5)


def seal(parts: list[bytes], name: str = NAME, key: bytes = KEY) -> list[bytes]:
    """The sealed segments; the first one has the object's prefix before it."""
    sealer = Sealer(key, name)
    return [sealer.seal(part, last=number == len(parts)) for number, part in enumerate(parts, start=1)]


def unseal(data: bytes, name: str = NAME, key: bytes = KEY) -> list[Segment]:
    unsealer = Unsealer(key, name)
    segments = unsealer.feed(data)
    unsealer.finish()
    return segments


@given(PARTS, st.data())
def test_what_went_in_comes_out_however_it_is_split(parts: list[bytes], data: st.DataObject) -> None:
    sealed = b"".join(seal(parts))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sealed)), max_size=8)))
    unsealer = Unsealer(KEY, NAME)
    segments = [
        segment for start, end in pairwise([0, *cuts, len(sealed)]) for segment in unsealer.feed(sealed[start:end])
    ]
    unsealer.finish()
    assert [segment.data for segment in segments] == parts
    assert [segment.last for segment in segments] == [False] * (len(parts) - 1) + [True]


@given(PARTS, st.data())
def test_any_flipped_bit_is_noticed(parts: list[bytes], data: st.DataObject) -> None:
    sealed = bytearray(b"".join(seal(parts)))
    bit = data.draw(st.integers(0, 8 * len(sealed) - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Damaged):
        unseal(bytes(sealed))


def test_every_bit_of_a_small_object_counts() -> None:
    sealed = b"".join(seal([b"body", b"head"]))
    for bit in range(8 * len(sealed)):
        flipped = bytearray(sealed)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Damaged):
            unseal(bytes(flipped))


def test_every_cut_is_noticed() -> None:
    sealed = b"".join(seal([b"first", b"", b"last"]))
    for length in range(len(sealed)):
        with pytest.raises(Damaged):
            unseal(sealed[:length])


@pytest.mark.parametrize("order", [(1, 0, 2), (0, 2, 1), (0, 0, 2), (0, 2), (1, 2), (0, 1, 1, 2), (0, 1, 2, 2)])
def test_segments_keep_their_place(order: tuple[int, ...]) -> None:
    first, *others = seal([b"one", b"two", b"end"])
    segments = [first[PREFIX_BYTES:], *others]
    with pytest.raises(Damaged):
        unseal(first[:PREFIX_BYTES] + b"".join(segments[number] for number in order))


def test_a_segment_of_another_object_is_noticed() -> None:
    mine, other = seal([b"one", b"end"]), seal([b"two", b"end"])
    with pytest.raises(Damaged):
        unseal(mine[0] + other[1])


def test_a_cut_cannot_be_hidden_by_another_mark() -> None:
    first = bytearray(seal([b"one", b"end"])[0])
    assert first[PREFIX_BYTES] == 0
    first[PREFIX_BYTES] = 1
    with pytest.raises(Damaged, match="seal is broken"):
        unseal(bytes(first))


def test_what_was_never_sealed_is_told_apart() -> None:
    with pytest.raises(Damaged, match="not a sealed object"):
        unseal(b"data: [DONE]\n\n" * 9)


def test_nothing_may_follow() -> None:
    with pytest.raises(Damaged, match="after the last"):
        unseal(b"".join(seal([b"end"])) + b"\0")
    unsealer = Unsealer(KEY, NAME)
    unsealer.feed(b"".join(seal([b"end"])))
    with pytest.raises(Damaged, match="after the last"):
        unsealer.feed(b"\0")


def test_an_object_opens_under_its_own_name_and_key_only() -> None:
    sealed = b"".join(seal([b"end"]))
    with pytest.raises(Damaged):
        unseal(sealed, name="spool/abc-hold_2")
    with pytest.raises(Damaged):
        unseal(sealed, key=bytes(32))


def test_a_length_beyond_a_segment_is_refused_before_it_is_waited_for() -> None:
    prefix = seal([b"end"])[0][:PREFIX_BYTES]
    with pytest.raises(Damaged, match="not a segment"):
        Unsealer(KEY, NAME).feed(prefix + b"\0" + (SEGMENT_BYTES_MAX + 17).to_bytes(4, "big"))


def test_the_same_bytes_never_look_the_same_twice() -> None:
    part = bytes(SEGMENT_BYTES_MAX)
    (one,), (two,) = seal([part]), seal([part])
    assert len(one) == PREFIX_BYTES + len(part) + OVERHEAD_BYTES
    assert one[PREFIX_BYTES + 5 :] != two[PREFIX_BYTES + 5 :]
    assert part[:16] not in one
