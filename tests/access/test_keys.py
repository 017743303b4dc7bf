"""The form of a key: what is minted is well formed, and nothing near it is."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.access.keys import ADMIN, ALPHABET, TENANT, Minter, checksum, digest, mint, well_formed

PREFIXES = st.sampled_from(["lx-", "sk-", "tally_", "X"])
LETTERS = st.sampled_from([TENANT, ADMIN])
PRINTABLE = [chr(code) for code in range(32, 127)]


@given(PREFIXES, LETTERS)
def test_a_minted_key_is_well_formed(prefix: str, letter: str) -> None:
    key = mint(prefix, letter).reveal()
    assert well_formed(key, prefix)
    assert re.fullmatch(re.escape(prefix) + letter + "_[0-9A-Za-z]{38}", key)


@given(st.data())
def test_any_one_changed_character_is_refused(data: st.DataObject) -> None:
    key = mint("lx-", TENANT).reveal()
    position = data.draw(st.integers(0, len(key) - 1))
    other = data.draw(st.one_of(st.sampled_from(PRINTABLE), st.characters()).filter(lambda c: c != key[position]))
    assert not well_formed(key[:position] + other + key[position + 1 :], "lx-")


@given(st.data())
def test_swapped_neighbours_are_refused(data: st.DataObject) -> None:
    key = mint("lx-", TENANT).reveal()
    position = data.draw(st.integers(0, len(key) - 2).filter(lambda i: key[i] != key[i + 1]))
    swapped = key[:position] + key[position + 1] + key[position] + key[position + 2 :]
    assert not well_formed(swapped, "lx-")


@given(st.text())
def test_no_text_makes_it_raise(text: str) -> None:
    assert not well_formed(text, "lx-")
    assert not well_formed("lx-k_" + text, "lx-")


NEAR: dict[str, Callable[[str], str]] = {
    "shorter": lambda key: key[:-1],
    "longer": lambda key: key + "0",
    "with a line end": lambda key: key + "\n",
    "with a blank": lambda key: " " + key,
    "in capitals": str.upper,
    "without its prefix": lambda key: key[3:],
    "twice": lambda key: key + key,
}


@pytest.mark.parametrize("change", NEAR.values(), ids=NEAR.keys())
def test_what_is_near_a_key_is_none(change: Callable[[str], str]) -> None:
    assert not well_formed(change(mint("lx-", TENANT).reveal()), "lx-")


def test_a_key_of_another_prefix_is_none() -> None:
    assert not well_formed(mint("sk-", TENANT).reveal(), "lx-")


def test_the_checksum_is_the_one_that_is_documented() -> None:
    # CRC-32 of "123456789" is 0xCBF43926, the check value of the algorithm; in base62 by hand.
    rest, digits = 0xCBF43926, ""
    while rest:
        digits = ALPHABET[rest % 62] + digits
        rest //= 62
    assert checksum("123456789") == digits.rjust(6, "0")


def test_an_old_key_stays_a_key() -> None:
    """A fixed example: the form must not change under keys that people hold."""
    body = "lx-k_0123456789ABCDEFGHIJKLMNOPQRSTUV"
    assert well_formed(body + "1IMzgj", "lx-")


def test_no_two_keys_are_alike() -> None:
    assert len({mint("lx-", TENANT).reveal() for _ in range(1000)}) == 1000


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_a_digest_belongs_to_its_pepper(pepper: bytes, other: bytes) -> None:
    key = mint("lx-", TENANT).reveal()
    assert len(digest(pepper, key)) == 32
    assert (digest(pepper, key) == digest(other, key)) == (pepper == other)


def test_a_minter_does_not_print_its_pepper() -> None:
    assert repr(Minter(b"pepper" * 6, "lx-")) == "Minter(prefix='lx-')"
