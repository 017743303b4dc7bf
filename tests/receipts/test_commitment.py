"""Commitments: the right bytes open them, all others do not, and opening one says nothing of the next."""

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.receipts.commitment import (
    LABELS,
    Label,
    Sealer,
    commit,
    derive_salt,
    is_opened,
    read_digest,
    write_digest,
)

SEEDS = st.binary(min_size=32, max_size=32)
SEED = bytes(range(32))


@given(SEEDS, st.sampled_from(LABELS), st.binary(max_size=200))
def test_a_commitment_is_what_the_format_says(seed: bytes, label: Label, data: bytes) -> None:
    salt = hmac.new(seed, label.encode(), hashlib.sha256).digest()
    digest = hmac.new(salt, label.encode() + b"\x00" + data, hashlib.sha256).digest()
    assert derive_salt(seed, label) == salt
    assert commit(seed, label, data) == base64.urlsafe_b64encode(digest).decode().rstrip("=")


@given(SEEDS, st.sampled_from(LABELS), st.lists(st.binary(max_size=40), max_size=6))
def test_the_split_of_the_bytes_does_not_matter(seed: bytes, label: Label, pieces: list[bytes]) -> None:
    committing = Sealer(seed).begin(label)
    for piece in pieces:
        committing.update(piece)
    assert committing.finish() == commit(seed, label, b"".join(pieces))


@given(SEEDS, st.sampled_from(LABELS), st.binary(max_size=40), st.binary(max_size=40))
def test_the_right_bytes_open_it_and_no_others(seed: bytes, label: Label, data: bytes, other: bytes) -> None:
    commitment, salt = commit(seed, label, data), derive_salt(seed, label)
    assert is_opened(commitment, salt, label, data)
    assert is_opened(commitment, salt, label, other) == (data == other)
    assert not is_opened(commitment, salt, label, data + b"\0")


@given(SEEDS, st.binary(max_size=40))
def test_one_opening_opens_no_other_field(seed: bytes, data: bytes) -> None:
    for opened in LABELS:
        salt = derive_salt(seed, opened)
        for label in LABELS:
            assert is_opened(commit(seed, label, data), salt, label, data) == (label == opened)
            assert is_opened(commit(seed, label, data), salt, opened, data) == (label == opened)


@given(SEEDS, SEEDS)
def test_the_same_bytes_look_different_in_every_receipt(seed: bytes, other: bytes) -> None:
    same = commit(seed, "request", b"Good morning") == commit(other, "request", b"Good morning")
    assert same == (seed == other)


def test_a_seed_that_hides_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        derive_salt(b"short", "request")


@given(st.binary(min_size=32, max_size=32))
def test_a_digest_has_one_spelling(digest: bytes) -> None:
    text = write_digest(digest)
    assert read_digest(text) == digest
    for at in range(len(text)):
        for letter in "AZaz09-_+/=\n é":
            changed = text[:at] + letter + text[at + 1 :]
            assert changed == text or read_digest(changed) != digest


@pytest.mark.parametrize("text", ["", "A" * 42, "A" * 44, "A" * 42 + "B", "A" * 42 + "=", "A" * 42 + "\n", "!" * 43])
def test_what_is_no_digest_is_refused(text: str) -> None:
    assert read_digest(text) is None


def test_a_commitment_that_is_no_digest_is_not_opened() -> None:
    assert not is_opened("é", SEED, "request", b"")
