"""Somebody else's JSON, evened out: held against another implementation of RFC 8785, for any way of writing it."""

from typing import Any

import msgspec
import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from tallygate.genai.foreign_json import BYTES_MAX, INTEGER_MAX, even_out
from tests.laws.json_text import json_objects, render

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_NUMBERS = st.integers(-INTEGER_MAX, INTEGER_MAX) | st.floats(allow_nan=False, allow_infinity=False)


def values() -> st.SearchStrategy[Any]:
    return st.recursive(
        _TEXT | _NUMBERS | st.booleans() | st.none(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=5),
        max_leaves=20,
    )


@given(st.dictionaries(_TEXT, values(), max_size=5))
@example({"\U0001f600": 1, "\uff5e": 2})
@example({"~": [{"\U0001f600": 1, "\uff5e": 2}], "a": 1e21})
def test_the_bytes_are_those_of_another_implementation(value: dict[str, Any]) -> None:
    assert even_out(msgspec.json.encode(value)) == rfc8785.dumps(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_fraction_is_written_as_the_other_implementation_does(number: float) -> None:
    assert even_out(b'{"a":%b}' % repr(number).encode()) == rfc8785.dumps({"a": number})


@given(json_objects().flatmap(lambda value: st.tuples(st.just(value), render(value))))
def test_the_spelling_does_not_matter(spelt: tuple[Any, bytes]) -> None:
    value, data = spelt
    evened = even_out(data)
    assert evened == even_out(msgspec.json.encode(value))
    assert even_out(evened) == evened


@given(st.integers(INTEGER_MAX + 1, 2**80) | st.integers(-(2**80), -INTEGER_MAX - 1))
def test_a_whole_number_that_no_double_keeps_is_the_double_next_to_it(number: int) -> None:
    (written,) = msgspec.json.decode(even_out(b'{"a":[%d]}' % number))["a"]
    assert float(written) == float(number)
    if abs(number) < 10**21:
        assert even_out(b'{"a":%d}' % number) == rfc8785.dumps({"a": float(number)})


AS_IT_STANDS = [
    b"",
    b"[1, 2]",
    b'"text"',
    b"free { text",
    b'{"a": 1',
    b'{"a": 1} ,',
    b'{"a": NaN}',
    b'{"a": 1e400}',
    b'{"a": %b}' % (b"9" * 400),
    b'{"a": %b}' % (b"9" * 5_000),
    b'{"a": "\\ud800"}',
    b'{"a": "\xff"}',
    b'{"a": "\xed\xa0\x80"}',
    b'{"a": %b%b}' % (b"[" * 10_000, b"]" * 10_000),
]


@pytest.mark.parametrize("text", AS_IT_STANDS)
def test_what_has_no_canonical_form_is_taken_as_it_stands(text: bytes) -> None:
    assert even_out(text) == text


def test_a_long_object_is_taken_as_it_stands() -> None:
    longest = b'{ "a":"%b"}' % (b"x" * (BYTES_MAX - 9))
    assert len(longest) == BYTES_MAX
    assert even_out(longest) == longest.replace(b" ", b"")
    longer = longest.replace(b"x", b"xx", 1)
    assert even_out(longer) == longer
