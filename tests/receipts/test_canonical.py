"""Canonical JSON: held against another implementation of RFC 8785, and against everything that is not canonical."""

from typing import Any

import msgspec
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from tallygate.genai.foreign_json import INTEGER_MAX
from tallygate.receipts.canonical import (
    DEPTH_MAX,
    NotCanonical,
    Value,
    fit_integer,
    fit_text,
    read_canonical,
    write_canonical,
)
from tests.laws.json_text import json_values, render

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_NAMES = st.text(st.characters(max_codepoint=127), max_size=8)
_INTEGERS = st.integers(-INTEGER_MAX, INTEGER_MAX)


def values() -> st.SearchStrategy[Value]:
    """Any value that has a canonical form."""
    return st.recursive(
        _TEXT | _INTEGERS | st.booleans(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=5),
        max_leaves=20,
    )


@given(values())
def test_the_bytes_are_those_of_another_implementation(value: Value) -> None:
    assert write_canonical(value) == rfc8785.dumps(value)


@given(values())
def test_what_was_written_is_read_and_written_again(value: Value) -> None:
    data = write_canonical(value)
    read = read_canonical(data)
    assert read == value
    assert write_canonical(read) == data


def test_every_character_is_written_as_the_other_implementation_does() -> None:
    for code in (*range(0xD800), *range(0xE000, 0x11_0000, 61)):
        value: Value = {"a": chr(code)}
        assert write_canonical(value) == rfc8785.dumps({"a": chr(code)})


@given(json_values().flatmap(lambda value: st.tuples(st.just(value), render(value))))
def test_only_the_canonical_spelling_is_read(spelt: tuple[Any, bytes]) -> None:
    value, data = spelt
    try:
        read = read_canonical(data)
    except NotCanonical:
        return
    assert read == value
    assert data == rfc8785.dumps(value)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        value = read_canonical(data)
    except NotCanonical:
        return
    assert write_canonical(value) == data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b'{"a":null}',
        b"1.0",
        b"1e2",
        b"-0",
        b"NaN",
        b"01",
        b'{"a":1,"a":1}',
        b'{"b":1,"a":1}',
        b'{"a" :1}',
        b" 1",
        b"1 ",
        b"9007199254740992",
        b"-9007199254740992",
        b"1" * 5_000,
        b'"\\ud800"',
        b'"\xed\xa0\x80"',
        b'"\\u0061"',
        b'"\\/"',
        b'"\\u000A"',
        b'"\xff"',
        b"\xef\xbb\xbf1",
        b'{"\xc3\xa9":1}',
        b"[" * 100_000,
        b"[" * (DEPTH_MAX + 1) + b"]" * (DEPTH_MAX + 1),
    ],
)
def test_what_is_not_canonical_is_refused(data: bytes) -> None:
    with pytest.raises(NotCanonical):
        read_canonical(data)


@pytest.mark.parametrize("value", [None, 1.5, {"a": None}, ["\ud800"], 2**53, -(2**53), {"é": 1}, {1: 2}, b"bytes"])
def test_what_has_no_canonical_form_is_not_written(value: Any) -> None:
    with pytest.raises(NotCanonical):
        write_canonical(value)


def test_the_deepest_value_is_read() -> None:
    data = b"[" * DEPTH_MAX + b"]" * DEPTH_MAX
    assert write_canonical(read_canonical(data)) == data


@given(st.integers())
def test_a_number_that_fits_is_not_changed_and_the_others_become_writable(number: int) -> None:
    fitted = fit_integer(number)
    assert (fitted == number) == (abs(number) <= INTEGER_MAX)
    assert msgspec.json.decode(write_canonical(fitted)) == fitted


@given(st.text(st.characters(), max_size=20), st.integers(0, 20))
def test_any_text_becomes_writable(text: str, characters_max: int) -> None:
    fitted = fit_text(text, characters_max)
    assert len(fitted) <= characters_max
    assert read_canonical(write_canonical(fitted)) == fitted
    if not any("\ud800" <= character <= "\udfff" for character in text):
        assert fitted == text[:characters_max]
