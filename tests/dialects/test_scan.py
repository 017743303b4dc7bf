"""Raw bodies that must be outlined exactly, and every kind of body that must be refused, with its words."""

import pytest

from tallygate.dialects.scan import STRUCTURE_MAX, list_members, outline
from tallygate.errors import (
    DuplicateKey,
    InvalidEncoding,
    InvalidJson,
    InvalidString,
    RequestError,
    TooDeep,
    TooLarge,
)
from tallygate.genai.peek import Span

MIB = 1 << 20


def refuse(body: bytes, kind: type[RequestError], *, depth_max: int = 64) -> str:
    with pytest.raises(RequestError) as caught:
        outline(body, depth_max)
    assert type(caught.value) is kind, caught.value
    return caught.value.message


def test_spans_cover_key_and_value_whatever_the_whitespace() -> None:
    body = b' {\t"a" :\n1 ,\r\n "b\\"" : [ 2, {"a": "]"} ] , "c":"}" }\n'
    spans = outline(body, 64).spans
    assert [body[span.start : span.value_start] for span in spans.values()] == [b'"a" :\n', b'"b\\"" : ', b'"c":']
    values = {key: body[span.value_start : span.end] for key, span in spans.items()}
    assert values == {"a": b"1", 'b"': b'[ 2, {"a": "]"} ]', "c": b'"}"'}


def test_keys_are_unescaped() -> None:
    assert list(outline(b'{"m\\u006fdel":1,"\xc3\xa9":2}', 64).spans) == ["model", "é"]


def test_empty_object() -> None:
    assert outline(b"{}", 64).spans == {}
    assert outline(b"{}", 64).depth == 1


@pytest.mark.parametrize(
    ("body", "depth"),
    [
        (b'{"a":1}', 1),
        (b'{"a":[]}', 2),
        (b'{"a":[{}],"b":{}}', 3),
        (b'{"a":"[[[[","b":"\\"[{","c":"\\\\","d":[["\\\\\\"["]]}', 3),
    ],
)
def test_depth_counts_brackets_outside_strings(body: bytes, depth: int) -> None:
    assert outline(body, 64).depth == depth


def test_depth_limit_is_exact() -> None:
    assert outline(b'{"a":' + b"[" * 63 + b"]" * 63 + b"}", 64).depth == 64
    message = refuse(b'{"a":' + b"[" * 64 + b"]" * 64 + b"}", TooDeep)
    assert message == "The body is nested too deeply: at most 64 levels are accepted."


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 90_000,
        b'{"a":' + b"[" * 40_000 + b"]" * 40_000 + b"}",
        b"[" * 65,
        b'{"a":' + b'[{"b":' * 40 + b"}",
    ],
    ids=["lists", "objects", "balanced", "root list", "truncated"],
)
def test_brackets_without_end_are_too_deep(body: bytes) -> None:
    refuse(body, TooDeep)


@pytest.mark.parametrize("body", [b"", b" \n\t", b"\r"])
def test_nothing_is_refused_as_empty(body: bytes) -> None:
    assert refuse(body, InvalidJson) == "The body is empty; a JSON object was expected."


@pytest.mark.parametrize("body", [b"null", b'"x"', b"[]", b"1", b"true", b' [{"model":"m"}]'])
def test_other_documents_are_refused(body: bytes) -> None:
    assert refuse(body, InvalidJson) == "The body must be a JSON object."


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"a":1,}', "a comma stands before a closing bracket, near byte 7 (line 1)."),
        (b'{"a":[1,]}', "a comma stands before a closing bracket"),
        (b'{"a":1}x', "something follows the end of the document"),
        (b'{"a":1}{"a":1}', "something follows the end of the document"),
        (b"{'a':1}", "a key in double quotes was expected, near byte 1 (line 1). Strings take double quotes."),
        (b"{\"a\":'b'}", "an unexpected character, near byte 5 (line 1). Strings take double quotes."),
        (b"{a:1}", "a key in double quotes was expected"),
        (b'{"a":{b:1}}', "a key in double quotes was expected"),
        (b'{"a" 1}', "a colon was expected after a key"),
        (b'{"a":1 "b":2}', "a comma or `}` was expected"),
        (b'{"a":[1 2]}', "a comma or `]` was expected"),
        (b'{"a":1,\n\n /* why */ "b":2}', "(line 3). JSON has no comments."),
        (b'{"a":1 // why\n}', "JSON has no comments."),
        (b'{"a":NaN}', "JSON has no NaN."),
        (b'{"a":Infinity}', "JSON has no Infinity."),
        (b'{"a":-Infinity}', "JSON has no Infinity."),
        (b'{"a":01}', "a number is malformed"),
        (b'{"a":-01}', "a number is malformed"),
        (b'{"a":1.}', "a number is malformed"),
        (b'{"a":1e}', "a number is malformed"),
        (b'{"a":0x10}', "a comma or `}` was expected"),
        (b'{"a":+1}', "an unexpected character"),
        (b'{"a":.5}', "an unexpected character"),
        (b'{"a":tru}', "an unexpected character"),
        (b'{"a":"\n"}', "an unexpected character"),
        (b'{"a":\x001}', "an unexpected character"),
        (b'{"a":"\\x"}', "a string has a malformed escape"),
        (b'{"a":"\\u12g4"}', "a string has a malformed escape"),
        (b'{"a":"b', "it ends too early."),
        (b'{"a":"\\"}', "it ends too early."),
        (b'{"a":[1', "it ends too early."),
    ],
)
def test_bad_syntax_is_named_with_its_place(body: bytes, reason: str) -> None:
    message = refuse(body, InvalidJson)
    assert message.startswith("The body is not valid JSON: ")
    assert reason in message


@pytest.mark.parametrize(
    "number",
    [
        b"1e400",
        b"-1e400",
        b"1E+309",
        b"[1, 2.5e999]",
        b"9" * 5_000,
        b"1" + b"0" * 309,
        b"9" * 300 + b"e99",
        b"1e0000309",
    ],
    ids=lambda number: f"{number[:12].decode()} {len(number)}",
)
def test_numbers_no_double_holds_are_refused(number: bytes) -> None:
    message = refuse(b'{"a":' + number + b"}", InvalidJson)
    assert message.startswith("A number in the body is too large: ")
    assert len(message) < 100


@pytest.mark.parametrize(
    "number",
    [b"-0", b"1e308", b"1e-400", b"1e0000000001", b"0." + b"1" * 5_000, b"18446744073709551616", b"0e999", b"9" * 250],
    ids=lambda number: f"{number[:12].decode()} {len(number)}",
)
def test_legal_numbers_pass(number: bytes) -> None:
    assert outline(b'{"a":' + number + b"}", 64).spans["a"].end == len(number) + 5


def test_digits_in_strings_are_not_numbers() -> None:
    outline(b'{"a":"1e400","b":"' + b"9" * 5_000 + b'"}', 64)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"a":"\xff"}', "Byte 6 of the body is not valid UTF-8."),
        (b'{"a":"\xc0\x80"}', "Byte 6 of the body is not valid UTF-8."),
        (b'{"a":"\xed\xa0\x80"}', "Byte 6 of the body is not valid UTF-8."),
        (b'{"a":"' + b"x" * 100_000 + b'\xe2\x82"}', "Byte 100006 of the body is not valid UTF-8."),
        (b'{"a":"\xe2\x82', "Byte 6 of the body is not valid UTF-8."),
        (b"\xef\xbb\xbf{}", "The body starts with a byte order mark; send plain UTF-8 without one."),
        ('{"a":1}'.encode("utf-16"), "The body looks like UTF-16 or UTF-32; send UTF-8."),
        ('{"a":1}'.encode("utf-16-le"), "The body looks like UTF-16 or UTF-32; send UTF-8."),
        ('{"a":1}'.encode("utf-16-be"), "The body looks like UTF-16 or UTF-32; send UTF-8."),
        ('{"a":1}'.encode("utf-32"), "The body looks like UTF-16 or UTF-32; send UTF-8."),
        (b'{"a":"\\ud83d"}', r"A string holds \ud83d, half of a surrogate pair, at byte 6 of the body."),
        (b'{"a":"\\uD83D and much more"}', r"A string holds \uD83D, half of a surrogate pair, at byte 6 of the body."),
        (b'{"a":"\\ude00\\ud83d"}', r"A string holds \ude00, half of a surrogate pair, at byte 6 of the body."),
        (b'{"\\\\\\ud83d":"\\ude00"}', r"A string holds \ud83d, half of a surrogate pair, at byte 4 of the body."),
    ],
)
def test_bad_encoding_is_named_with_its_place(body: bytes, message: str) -> None:
    assert refuse(body, InvalidEncoding) == message


def test_a_character_over_the_edge_of_a_chunk_is_whole() -> None:
    for shift in range(4):
        body = b'{"a":"' + b"x" * (65_536 - 6 - shift) + "😀é".encode() * 50_000 + b'"}'
        assert outline(body, 64).spans["a"].end == len(body) - 1


def test_surrogate_pairs_and_escaped_backslashes_pass() -> None:
    outline(b'{"a":"\\ud83d\\ude00","b":"\\\\ud83d","c":"\\\\u0000"}', 64)


@pytest.mark.parametrize(
    ("body", "byte"),
    [(b'{"a":"\\u0000"}', 6), (b'{"a":"\\\\\\u0000"}', 8), (b'{"\\u0000":1}', 2), (b'{"a":["\\"\\u0000"]}', 9)],
)
def test_the_nul_character_is_refused(body: bytes, byte: int) -> None:
    assert refuse(body, InvalidString) == f"A string holds the character \\u0000, at byte {byte} of the body."


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"cheap","model":"dear"}',
        b'{"model":"cheap","m\\u006fdel":"dear"}',
        b'{"a":{},"model":[{"model":1}], "x":"\\"model\\":", "model" : "dear"}',
    ],
)
def test_a_key_that_stands_twice_is_named(body: bytes) -> None:
    with pytest.raises(DuplicateKey) as caught:
        outline(body, 64)
    assert caught.value.param == "model"
    assert caught.value.message == "`model` stands twice at the top level of the body."


def test_inner_objects_may_repeat_keys() -> None:
    assert list(outline(b'{"a":{"b":1,"b":2},"b":1}', 64).spans) == ["a", "b"]


@pytest.mark.parametrize(
    "body",
    [
        b"{" + b",".join(b'"%d":1' % key for key in range(1_000_000)) + b"}",
        b'{"messages":[' + b",".join([b'{"role":"user","content":"x"}'] * 100_000) + b"]}",
        b'{"a":[' + b",".join([b"1"] * (STRUCTURE_MAX + 1)) + b"]}",
        b'{"a":[' + b'"ab",' * (6 * MIB) + b"1]}",
        b'"' * (4 * MIB),
    ],
    ids=["keys", "messages", "items", "strings", "quotes"],
)
def test_too_much_structure_is_refused_before_it_is_read(body: bytes) -> None:
    assert refuse(body, TooLarge) == f"The body has more than {STRUCTURE_MAX} members and list items."


def test_the_structure_limit_is_exact() -> None:
    # Two brackets and the commas between the items.
    outline(b'{"a":[' + b",".join([b'"x"'] * (STRUCTURE_MAX - 1)) + b"]}", 64)
    refuse(b'{"a":[' + b",".join([b'"x"'] * STRUCTURE_MAX) + b"]}", TooLarge)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"a":"' + b"\\" * (8 * MIB), InvalidJson),
        (b'{"a":"' + b"\\" * (8 * MIB + 1) + b'"}', InvalidJson),
        (b'{"a":"' + b'\\"' * (4 * MIB), InvalidJson),
        (b'{"a":"' + b"\\ud83d" * (1 * MIB) + b'"}', InvalidEncoding),
        (b'{"a":"' + b"A" * (8 * MIB), InvalidJson),
        (b'{"' + b"\\\\" * (4 * MIB), InvalidJson),
        (b'{"a":' + b" " * (8 * MIB), InvalidJson),
        (b"{" + b" " * (8 * MIB) + b"x", InvalidJson),
        (b'{"a":' + b"9" * (8 * MIB), InvalidJson),
        (b'{"a":' + b"-" * (8 * MIB), InvalidJson),
    ],
    ids=["slashes", "odd slashes", "quotes", "surrogates", "letters", "key", "blanks", "blanks x", "digits", "minus"],
)
def test_hostile_megabytes_end_soon(body: bytes, kind: type[RequestError]) -> None:
    # One that backtracks would not end within the test's time limit.
    refuse(body, kind)


def test_megabytes_of_backslashes_are_a_legal_string() -> None:
    body = b'{"a":"' + b"\\" * (8 * MIB) + b'","b":1}'
    assert list(outline(body, 64).spans) == ["a", "b"]


def test_members_list_keys_that_stand_twice() -> None:
    assert list_members(b'{"a":1, "a":2}') == [("a", Span(1, 5, 6)), ("a", Span(8, 12, 13))]
