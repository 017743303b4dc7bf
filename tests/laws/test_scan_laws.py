"""What holds for the scan of any body at all, checked against the standard library's reader as a second opinion."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tallygate.dialects.scan import Outline, outline
from tallygate.errors import DuplicateKey, RequestError
from tests.laws.json_text import json_objects, render

BLANKS = st.text(" \t\r\n", max_size=3)


def measure(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max((measure(item) for item in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((measure(item) for item in value), default=0)
    return 0


def holds_nul(value: Any) -> bool:
    if isinstance(value, dict):
        return any(holds_nul(part) for pair in value.items() for part in pair)
    if isinstance(value, list):
        return any(holds_nul(item) for item in value)
    return isinstance(value, str) and "\x00" in value


def read_strictly(body: bytes) -> Any:
    """The body by RFC 8259 with our own narrowings, or ValueError."""

    def number(text: str) -> float:
        value = float(text)
        if value in {float("inf"), float("-inf")}:
            raise ValueError(text)
        return value

    value = json.loads(body.decode(), parse_float=number, parse_int=number)
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()  # no NaN, no lone surrogate
    if not isinstance(value, dict) or holds_nul(value):
        raise ValueError(body)
    return value


def judge(body: bytes, depth_max: int) -> Outline | RequestError:
    try:
        return outline(body, depth_max)
    except RequestError as error:
        return error


@given(json_objects(), st.data())
def test_spans_and_depth_are_those_of_the_object(value: dict[str, Any], data: st.DataObject) -> None:
    body = data.draw(BLANKS).encode() + data.draw(render(value)) + data.draw(BLANKS).encode()
    found = outline(body, 64)
    assert list(found.spans) == list(value)
    for key, span in found.spans.items():
        assert json.loads(body[span.value_start : span.end]) == value[key]
        quoted, colon, rest = body[span.start : span.value_start].rpartition(b":")
        assert (json.loads(quoted), colon, rest.strip()) == (key, b":", b"")
        # No blank at either edge: an edit that replaces the value leaves the layout alone.
        assert body[span.value_start : span.end] == body[span.value_start : span.end].strip()
    assert found.depth == measure(value)


@given(json_objects(), st.data())
def test_one_changed_byte_is_judged_as_the_second_reader_judges_it(value: dict[str, Any], data: st.DataObject) -> None:
    text = data.draw(render(value))
    place = data.draw(st.integers(0, len(text) - 1))
    patch = data.draw(st.sampled_from([b"", b"\\", b'"', b"{", b"]", b",", b"0", b"e9", b"\\ud800", b"\xff", b"\n"]))
    body = text[:place] + patch + text[place + 1 :]
    try:
        expected = read_strictly(body)
    except ValueError:
        expected = None
    found = judge(body, 64)
    if isinstance(found, Outline):
        assert expected is not None, body
        assert list(found.spans) == list(expected)
    else:
        assert expected is None or isinstance(found, DuplicateKey)


@given(st.binary(max_size=60) | st.text('{}[]":,\\u0d8e1 .-ntf', max_size=60).map(str.encode))
def test_any_bytes_are_outlined_or_refused(body: bytes) -> None:
    found = judge(body, 8)
    if isinstance(found, Outline):
        assert list(found.spans) == list(read_strictly(body))
    else:
        assert found.status == 400
