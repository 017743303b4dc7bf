"""Whatever text there is, a log shows one plain line of it, and no key."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.telemetry.line import HIDDEN, hide_secrets, neutralise

ANY_TEXT = st.text(st.characters(codec=None, categories=None), max_size=300)
SECRET = "Zq83hfKfj29vLwpX0s7QmN4bT6yR1cUa"


@given(ANY_TEXT)
def test_no_text_leaves_its_line(text: str) -> None:
    shown = neutralise(text)
    assert len(shown.splitlines()) <= 1
    assert not [symbol for symbol in shown if unicodedata.category(symbol) in {"Cc", "Cs", "Zl", "Zp"}]
    assert not re.search("[\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c]", shown), "the direction of writing stays"
    shown.encode()


@given(ANY_TEXT)
def test_what_is_neutral_stays_as_it_is(text: str) -> None:
    once = neutralise(text)
    assert neutralise(once) == once


def test_a_plain_sentence_is_not_touched() -> None:
    text = "the disk of ledger/7 is full: keys, tokens and passwords are fine (call_0198c0ffee)"
    assert neutralise(text) == text


def test_control_characters_are_named() -> None:
    assert neutralise("a\r\nb\x1b]0;x\x07\x00\u202e\x9b\U000e0041") == (
        "a\\r\\nb\\x1b]0;x\\x07\\x00\\u202e\\x9b\\U000e0041"
    )


def test_a_megabyte_is_cut_and_says_so() -> None:
    shown = neutralise("x" * 1_000_000 + "end")
    assert len(shown) < 9_000
    assert "(of 1000003 characters)" in shown


@pytest.mark.parametrize(
    "dump",
    [
        f"Authorization: Bearer {SECRET}",
        f"{{'authorization': 'Bearer {SECRET}', 'accept': '*/*'}}",
        f"[(b'authorization', b'Bearer {SECRET}'), (b'accept', b'*/*')]",
        f'{{"x-api-key": "{SECRET}"}}',
        f"x-goog-api-key={SECRET}",
        f"Set-Cookie: session={SECRET}; HttpOnly",
        f"connection to postgresql://gate:{SECRET}@db/tallygate failed",
        f"GET /v1beta/models?key={SECRET} HTTP/1.1",
        f"the key sk-{SECRET} was refused",
        f"the key sk-ant-api03-{SECRET} was refused",
        f"the key lx-k_{SECRET} was refused",
        f"the key own-k_{SECRET} was refused",
        f"basic {SECRET}",
        f"password = '{SECRET}'",
    ],
)
def test_keys_are_hidden(dump: str) -> None:
    shown = hide_secrets(dump, "own-")
    assert SECRET not in shown
    assert not any(SECRET[at : at + 8] in shown for at in range(len(SECRET) - 8))
    assert HIDDEN in shown


def test_a_secret_across_the_cut_is_hidden_too() -> None:
    for pad in range(8_192 * 4 - 60, 8_192 * 4 + 60):
        shown = neutralise("." * pad + f" Bearer {SECRET}" + "." * 70_000)
        assert not any(SECRET[at : at + 8] in shown for at in range(len(SECRET) - 8))


@pytest.mark.parametrize("piece", ["bearer  ", "authorization: ", "://", "://a:", "sk-", "api_key", "\n", "?key="])
def test_hostile_repetition_comes_to_an_end(piece: str) -> None:
    assert len(neutralise(piece * (4_000_000 // len(piece)))) < 9_000
