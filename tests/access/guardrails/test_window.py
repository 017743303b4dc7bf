"""A text on its way past a check: whatever pieces it comes in, the same is found and nothing of it slips through."""

from collections.abc import Iterator
from itertools import pairwise
from typing import NoReturn

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tallygate.access.guardrails import personal, tokens, window
from tallygate.access.guardrails.base import Finding, TextCheck
from tallygate.access.guardrails.patterns import Expressions
from tallygate.access.guardrails.settings import GuardrailSettings
from tallygate.access.guardrails.window import FINDINGS_MAX, OPEN_MAX, Decide, Effort, Quotes

PUT = "[-]"
PEM = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEow/+AB12cd34\n" * 60 + "-----END RSA PRIVATE KEY-----"
JWT = "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn" * 30 + ".SflKxwRJSM"
FOUND = (
    "jane.doe+x@mail.example.org", "4111 1111 1111 1111", "378282246310005", "DE89 3704 0044 0532 0130 00",
    "GB82WEST12345698765432", "123-45-6789", "+49 30 901820", "(212) 555-0187", "192.168.17.4",
    "2001:db8::8a2e:370:7334",
    "AKIAIOSFODNN7EXAMPLE", "sk-" + "a1B2" * 8, "ghp_" + "x" * 36, PEM, JWT, "xoxb-1234567890-abc",
)  # fmt: skip
NOT_FOUND = (
    " ", "\n", "é", "\U0001f600", "the ", "@", "4111 1111 1111 1112", "12:30:45", "1234567812345670", "999.1.2.3",
    "000-12-3456", "std::vector", "DE89 3704 0044 0532 0130 01", "word", "-----", "eyJ", "\\n", '"', "0", "a.b",
)  # fmt: skip
CHECKS: dict[str, TextCheck] = {
    "pii": personal.make(GuardrailSettings(kind="pii")),
    "secrets": tokens.make(GuardrailSettings(kind="secrets")),
    "regex": Expressions([r"\bword\b", r"(?m)^the .{0,20}$", "[0-9]{2,30}", "é+"], allow=["12", r"\d{3}"]),
}
TEXTS = st.lists(st.sampled_from(FOUND) | st.sampled_from(NOT_FOUND) | st.text(max_size=5), max_size=12).map("".join)
kinds = pytest.mark.parametrize("kind", sorted(CHECKS))


class TooMuchError(Exception):
    """What a call is ended with that makes its guardrails do too much."""


def give_up() -> NoReturn:
    raise TooMuchError


def put() -> str:
    return PUT


def open_window(check: TextCheck, look_back: int, decide: Decide, quotes: Quotes | None = None) -> window.Window:
    return window.Window(check, look_back, decide, Effort(give_up), quotes)


def pass_in_pieces(check: TextCheck, text: str, cuts: list[int], look_back: int = 256) -> str:
    passing = open_window(check, look_back, put)
    edges = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    told = [passing.feed(text[start:end]) for start, end in pairwise(edges)]
    return "".join(told) + passing.finish()


@kinds
@given(text=TEXTS, cuts=st.lists(st.integers(0, 5_000), max_size=30))
@example(text="say word", cuts=list(range(9)))
@example(text=PEM + " and so on. " * 40, cuts=list(range(0, 2_000, 3)))
@example(text=f"x {JWT} y" + "z" * 600, cuts=list(range(0, 2_000, 7)))
def test_pieces_make_no_difference(kind: str, text: str, cuts: list[int]) -> None:
    whole = open_window(CHECKS[kind], 256, put).whole(text)
    assert pass_in_pieces(CHECKS[kind], text, cuts) == whole


@kinds
@given(text=TEXTS)
def test_one_character_at_a_time_is_the_same(kind: str, text: str) -> None:
    assert pass_in_pieces(CHECKS[kind], text, list(range(len(text)))) == open_window(CHECKS[kind], 256, put).whole(text)


@pytest.mark.parametrize("found", FOUND)
def test_what_is_looked_for_is_found(found: str) -> None:
    for text in (found, f"See {found}, please.", f"({found})", f"a\n{found}\nb"):
        told = text
        for kind in ("pii", "secrets"):
            told = open_window(CHECKS[kind], 256, put).whole(told)
        assert told == text.replace(found, PUT)


@pytest.mark.parametrize("harmless", NOT_FOUND)
def test_what_only_looks_like_it_is_let_be(harmless: str) -> None:
    for kind in ("pii", "secrets"):
        assert open_window(CHECKS[kind], 256, put).whole(f"a {harmless} b") == f"a {harmless} b"


def test_nothing_of_a_find_goes_before_it_is_decided() -> None:
    passing = open_window(CHECKS["pii"], 256, put)
    told = ""
    for char in "x" * 300 + " jane.doe@mail.example":
        told += passing.feed(char)
        assert "jane" not in told
    assert told + passing.finish() == "x" * 300 + " " + PUT


def test_no_more_is_kept_back_than_the_window() -> None:
    passing = open_window(CHECKS["regex"], 32, put)
    assert len(passing.feed("a" * 100)) == 68
    assert len(passing.feed("a" * 100)) == 100
    assert len(passing.finish()) == 32


def test_a_find_without_end_is_kept_back_only_so_far() -> None:
    check = Expressions(["b+"])
    passing = open_window(check, 16, put)
    told = "".join(passing.feed("b" * 100) for _ in range(OPEN_MAX // 100 + 1)) + passing.finish()
    assert told == PUT * 2 == open_window(check, 16, put).whole("b" * (100 * (OPEN_MAX // 100 + 1)))


def test_a_long_text_is_looked_through_in_pieces() -> None:
    text = ("clean " * 100 + "jane@mail.example ") * 2_000
    assert len(text) > window.BLOCK
    assert open_window(CHECKS["pii"], 256, put).whole(text) == text.replace("jane@mail.example", PUT)


def test_what_a_check_says_beside_the_contract_harms_nothing() -> None:
    class Odd:
        def find(self, text: str, start: int, /) -> Iterator[Finding]:
            yield Finding(0, 0)
            yield Finding(max(0, start - 1), start)
            yield Finding(start, start + 1)

    assert open_window(Odd(), 16, put).whole("ab") == PUT + "b"


def test_a_text_of_nothing_but_finds_is_given_up() -> None:
    text = "4111111111111112 " * (FINDINGS_MAX + 1)
    with pytest.raises(TooMuchError):
        open_window(CHECKS["pii"], 256, put).whole(text)
    assert open_window(CHECKS["pii"], 256, put).whole(text[17:]) == text[17:]


class CountingCheck:
    """How many characters a check is made to look at."""

    def __init__(self) -> None:
        self.looked = 0

    def find(self, text: str, start: int, /) -> Iterator[Finding]:
        self.looked += len(text)
        return iter([Finding(at, at + 1) for at in range(start, len(text)) if text[at] == "x"])


@pytest.mark.parametrize("text", ["a" * 20_000, "x" * 20_000, "ax" * 10_000])
def test_a_stream_costs_each_character_a_bounded_number_of_looks(text: str) -> None:
    check = CountingCheck()
    passing = open_window(check, 64, put)
    for at in range(0, len(text), 4):
        passing.feed(text[at : at + 4])
    passing.finish()
    assert check.looked <= (64 + 64 + 4) * (len(text) // 4 + 1)


JSON = st.recursive(
    st.text(max_size=8) | st.sampled_from(["12", "a 12", '"12"', "\\12"]) | st.integers(0, 99),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(value=JSON, cuts=st.lists(st.integers(0, 200), max_size=8))
def test_json_stays_json_whatever_is_put_into_it(value: object, cuts: list[int]) -> None:
    text = msgspec.json.encode(value).decode()
    check = Expressions(["[0-9]+"])
    passing = open_window(check, 16, lambda: 'a "b"\n', Quotes())
    edges = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    told = "".join(passing.feed(text[a:b]) for a, b in pairwise(edges)) + passing.finish()
    if "\\u" not in text:
        msgspec.json.decode(told)
    assert told == open_window(check, 16, lambda: 'a "b"\n', Quotes()).whole(text)
