"""Passwords: what may be one, one form for what keyboards write differently, and hashes that tell nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallygate.access.passwords import BYTES_MAX, hash_password, is_password
from tallygate.errors import InvalidValue
from tallygate.genai.secret import Secret

GOOD = "correct horse battery"


def test_a_password_fits_its_hash_and_no_other() -> None:
    kept = hash_password(Secret(GOOD))
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert GOOD not in kept
    assert is_password(kept, Secret(GOOD))
    assert not is_password(kept, Secret(f"{GOOD} "))
    assert not is_password(kept, Secret(""))


def test_two_hashes_of_one_password_differ() -> None:
    assert hash_password(Secret(GOOD)) != hash_password(Secret(GOOD))


def test_one_form_for_what_is_written_differently() -> None:
    kept = hash_password(Secret("caf\N{LATIN SMALL LETTER E WITH ACUTE} \N{LATIN SMALL LIGATURE FI}sch im Netz"))
    assert is_password(kept, Secret("cafe\N{COMBINING ACUTE ACCENT} fisch im Netz"))


def test_nothing_fits_where_there_is_no_password() -> None:
    assert not is_password(None, Secret(GOOD))
    assert not is_password("not a hash", Secret(GOOD))


@pytest.mark.parametrize(
    "text", ["", "eleven char", "aaaaaaaaaaaaaaaa", "with a \0 inside it", "with a\nline end in", "\u202eright to left"]
)
def test_what_may_not_be_a_password(text: str) -> None:
    with pytest.raises(InvalidValue):
        hash_password(Secret(text))


def test_more_than_a_kibibyte_is_not_even_looked_at() -> None:
    for ask in (hash_password, lambda text: is_password(None, text)):
        with pytest.raises(InvalidValue, match="at most 1024 bytes"):
            ask(Secret("é" * (BYTES_MAX // 2) + "x"))


@settings(max_examples=5)
@given(st.text(max_size=200))
def test_any_text_may_be_tried(text: str) -> None:
    assert not is_password(None, Secret(text))
