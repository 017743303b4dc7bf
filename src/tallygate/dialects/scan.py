"""One look at a raw JSON body: is it sound, how deep is it, and where does each top-level member lie (RFC 8259).

Every dialect's `peek` starts here and every in-place edit leans on the spans found here. Nothing in this file knows a
field's name. The work is done by a handful of passes in C over the bytes, so that its cost in Python grows with the
number of top-level members only; docs/why/scan.md has the reasons and the figures.
"""

import codecs
import re
from typing import Any, NoReturn

import msgspec
from msgspec import Struct

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

STRUCTURE_MAX = 100_000
"""How many objects, lists and commas outside strings a body may have. Each costs far more than the bytes it takes."""

_UTF8_CHUNK_BYTES = 1 << 16


class Outline(Struct, frozen=True):
    """The shape of one JSON object: its top-level members in their order, and its greatest depth (`{}` is 1 deep)."""

    spans: dict[str, Span]
    depth: int


class _Key:
    """A member's key as it came. Its identity is its hash, so a dict of them keeps keys that stand twice."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


def _read_key(_type: type, text: Any) -> _Key:
    return _Key(text)


# Raw values are checked for syntax and skipped, never copied: what we want of them is their length.
_MEMBERS = msgspec.json.Decoder(dict[_Key, msgspec.Raw], dec_hook=_read_key)

# What stands before a top-level value. Possessive throughout: no text makes it try twice.
_BEFORE_VALUE = re.compile(rb'[ \t\n\r{,]*+("[^"\\]*+(?:\\.[^"\\]*+)*+")[ \t\n\r]*+:[ \t\n\r]*+', re.DOTALL)


def outline(body: bytes, depth_max: int, structure_max: int = STRUCTURE_MAX) -> Outline:
    """Check that `body` is one JSON object in UTF-8 that can be carried, and say where its members lie.

    Raises InvalidJson, InvalidEncoding, InvalidString, DuplicateKey (top level only; `param` is the key), TooDeep and
    TooLarge. Numbers must fit a double, as RFC 8259 section 6 advises.
    """
    _check_encoding(body)
    plain = _without_escapes(body)
    # Counted before the split below makes an object of each: a member has four quotes at most.
    if plain.count(b'"') > 4 * structure_max:
        raise _too_large(structure_max)
    skeleton = b"".join(plain.split(b'"')[::2])
    if skeleton.count(b",") + skeleton.count(b"[") + skeleton.count(b"{") > structure_max:
        raise _too_large(structure_max)
    try:
        members = _MEMBERS.decode(body)
    except RecursionError:
        raise _too_deep(depth_max) from None
    except msgspec.DecodeError as error:
        _explain(body, skeleton, depth_max, error)
    depth = _measure_depth(skeleton, depth_max)
    _check_numbers(skeleton)
    # In sound JSON a backslash stands only in strings, and `plain` has no escaped backslash left.
    nul = plain.find(b"\\u0000") if b"\\" in plain else -1
    if nul >= 0:
        raise InvalidString(f"A string holds the character \\u0000, at byte {nul} of the body.")
    spans: dict[str, Span] = {}
    for name, span in _locate(body, members):
        if name in spans:
            raise DuplicateKey(f"`{name[:64]}` stands twice at the top level of the body.", param=name[:64])
        spans[name] = span
    return Outline(spans, depth)


def list_members(value: bytes) -> list[tuple[str, Span]]:
    """Every member of a JSON object that is already known to be sound, in order, a key that stands twice included."""
    return _locate(value, _MEMBERS.decode(value))


def _locate(body: bytes, members: dict[_Key, msgspec.Raw]) -> list[tuple[str, Span]]:
    """Where the members lie: each value is as long as its raw bytes and begins where the text before it ends."""
    located: list[tuple[str, Span]] = []
    position = 0
    for key, value in members.items():
        before = _BEFORE_VALUE.match(body, position)
        assert before is not None, "the decoder found a member here"
        value_start = before.end()
        position = value_start + len(value)
        located.append((key.text, Span(before.start(1), value_start, position)))
    return located


def _check_encoding(body: bytes) -> None:
    if body.isascii() and not body.startswith(b"\x00") and body[1:2] != b"\x00":
        return
    if body.startswith(b"\xef\xbb\xbf"):
        raise InvalidEncoding("The body starts with a byte order mark; send plain UTF-8 without one.")
    if body.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in body[:2]:
        raise InvalidEncoding("The body looks like UTF-16 or UTF-32; send UTF-8.")
    view = memoryview(body)
    start = 0
    # In chunks, because one emoji would make the decoded copy of a large body four times its size.
    while start < len(body):
        chunk = view[start : start + _UTF8_CHUNK_BYTES]
        try:
            start += codecs.utf_8_decode(chunk, "strict", start + len(chunk) == len(body))[1]
        except UnicodeDecodeError as error:
            raise InvalidEncoding(f"Byte {start + error.start} of the body is not valid UTF-8.") from None


def _without_escapes(body: bytes) -> bytes:
    """The body at its length with escaped backslashes and quotes blotted out: each quote left bounds a string."""
    if b"\\" not in body:
        return body
    # Backslashes of one run pair off from its start, so blotting pairs first leaves only those that escape a character.
    return body.replace(b"\\\\", b"__").replace(b'\\"', b"__")


_SAME_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"{}[]")


def _measure_depth(skeleton: bytes, depth_max: int) -> int:
    """How many rounds of taking out the innermost brackets it takes until none is left. The brackets must pair."""
    brackets = skeleton.translate(_SAME_BRACKETS, _NO_BRACKETS)
    depth = 0
    while brackets:
        depth += 1
        if depth > depth_max:
            raise _too_deep(depth_max)
        brackets = brackets.replace(b"[]", b"")
    return depth


def _opens_too_deep(skeleton: bytes, depth_max: int) -> bool:
    """The same question for brackets that may not pair."""
    depth = 0
    for bracket in skeleton.translate(_SAME_BRACKETS, _NO_BRACKETS):
        depth += 1 if bracket == ord("[") else -1
        if depth > depth_max:
            return True
    return False


def _too_large(structure_max: int) -> TooLarge:
    return TooLarge(f"The body has more than {structure_max} members and list items.")


def _too_deep(depth_max: int) -> TooDeep:
    return TooDeep(f"The body is nested too deeply: at most {depth_max} levels are accepted.")


_DIGITS_ALIKE = bytes.maketrans(b"123456789E", b"000000000e")
_NUMBER = re.compile(rb"[0-9][0-9.eE+-]*+")
# Below 10^200 and with an exponent under 100 no number overflows a double (at most 1.8e308).
_MANY_DIGITS = b"0" * 200
_LONG_EXPONENT = b"0e000"


def _check_numbers(skeleton: bytes) -> None:
    """Refuse numbers no double can hold: readers disagree about them, some say Infinity, some fail."""
    alike = skeleton.translate(_DIGITS_ALIKE, b"+")
    if _MANY_DIGITS not in alike and _LONG_EXPONENT not in alike:
        return
    for number in _NUMBER.finditer(skeleton):
        if float(number[0]) == float("inf"):
            text = number[0].decode()
            raise InvalidJson(f"A number in the body is too large: {text if len(text) <= 40 else text[:40] + '…'}")


_AT_BYTE = re.compile(r"\(byte (\d+)\)")
_LONE_SURROGATE = re.compile(
    rb"\\u[dD](?:[89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|[c-fC-F][0-9a-fA-F]{2}(?<!\\u[dD][89abAB]..\\u[dD]...))",
    re.DOTALL,
)
_REASONS = (
    ("truncated", "it ends too early"),
    ("trailing comma", "a comma stands before a closing bracket"),
    ("trailing characters", "something follows the end of the document"),
    ("keys must be strings", "a key in double quotes was expected"),
    ("expected '\"'", "a key in double quotes was expected"),
    ("expected ':'", "a colon was expected after a key"),
    ("expected ',' or '}'", "a comma or `}` was expected"),
    ("expected ',' or ']'", "a comma or `]` was expected"),
    ("invalid number", "a number is malformed"),
    ("escape", "a string has a malformed escape"),
)


def _explain(body: bytes, skeleton: bytes, depth_max: int, error: msgspec.DecodeError) -> NoReturn:
    """Raise what is wrong with a body the decoder refused, in words a person can act on."""
    if _opens_too_deep(skeleton, depth_max):
        raise _too_deep(depth_max) from None
    raise _name_fault(body, error) from None


def _name_fault(body: bytes, error: msgspec.DecodeError) -> RequestError:
    if not body.strip(b" \t\n\r"):
        return InvalidJson("The body is empty; a JSON object was expected.")
    if isinstance(error, msgspec.ValidationError):
        return InvalidJson("The body must be a JSON object.")
    lone = _LONE_SURROGATE.search(body.replace(b"\\\\", b"__"))
    if lone is not None:
        escape = lone[0][:6].decode()
        return InvalidEncoding(
            f"A string holds {escape}, half of a surrogate pair, at byte {lone.start()} of the body."
        )
    said = str(error)
    reason = next((ours for theirs, ours in _REASONS if theirs in said), "an unexpected character")
    place = _AT_BYTE.search(said)
    if place is None:
        return InvalidJson(f"The body is not valid JSON: {reason}.")
    byte = int(place[1])
    hint = _HINTS.get(body[max(byte - 1, 0) : byte + 1].lstrip()[-1:], "")
    line = body.count(b"\n", 0, byte) + 1
    return InvalidJson(f"The body is not valid JSON: {reason}, near byte {byte} (line {line}).{hint}")


_HINTS = {
    b"'": " Strings take double quotes.",
    b"/": " JSON has no comments.",
    b"N": " JSON has no NaN.",
    b"I": " JSON has no Infinity.",
}
