"""Canonical JSON as RFC 8785 has it, for values that need no doubt: text, whole numbers, booleans, arrays and objects
with ASCII names. What could be written in two ways (fractions, null, names twice, half characters) is refused, so bytes
and value are the same thing. Pure.
"""

from collections.abc import Sequence
from typing import Final, cast

import msgspec
from msgspec import Struct

from tallygate.genai.foreign_json import INTEGER_MAX

Value = str | int | bool | list["Value"] | dict[str, "Value"]

DEPTH_MAX: Final = 16

_ENCODER: Final = msgspec.json.Encoder(order="sorted")
# The text is escaped as RFC 8785, section 3.2.2.2 wants it, and ASCII names sort alike by bytes and by UTF-16 units
# (section 3.2.3). A test compares every character with another implementation.


class NotCanonical(ValueError):
    """The bytes or the value have no one canonical form here. The text says what is wrong with them."""


def write_canonical(value: Value) -> bytes:
    """The one spelling of `value`. Raises NotCanonical."""
    _check(value, DEPTH_MAX)
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError:
        raise NotCanonical("a text has half a character (a lone surrogate)") from None


def write_struct(body: Struct) -> bytes:
    """The one spelling of a typed body, whose types allow nothing but canonical values. Its numbers and texts are its
    maker's care: see `fit_integer` and `fit_text`.
    """
    return _ENCODER.encode(body)


def write_structs(bodies: Sequence[Struct]) -> bytes:
    """The one spelling of an array of them."""
    return _ENCODER.encode(bodies)


def read_canonical(data: bytes) -> Value:
    """The value that `data` spells. Raises NotCanonical unless `data` is its one spelling, to the byte."""
    try:
        value = cast("Value", msgspec.json.decode(data))
    except RecursionError:
        raise NotCanonical("it is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotCanonical(f"it is not JSON: {error}") from None
    if write_canonical(value) != data:
        raise NotCanonical("it is not in canonical form (RFC 8785): a name twice, or written by another program")
    return value


def fit_integer(number: int) -> int:
    """The number, or the nearest one that can be written."""
    return min(max(number, -INTEGER_MAX), INTEGER_MAX)


def fit_text(text: str, characters_max: int) -> str:
    """The text, cut to a length, with `?` for each half character."""
    cut = text if len(text) <= characters_max else text[:characters_max]
    return cut if cut.isascii() else cut.encode("utf-8", "replace").decode()


def _check(value: Value, depth_left: int) -> None:
    if isinstance(value, str | bool):
        return
    if isinstance(value, int):
        if abs(value) > INTEGER_MAX:
            raise NotCanonical("a number is beyond what every reader keeps")
    elif not isinstance(value, list | dict):
        raise NotCanonical(f"a value is neither text, whole number, boolean, array nor object: {type(value).__name__}")
    elif depth_left == 0:
        raise NotCanonical("it is nested too deeply")
    elif isinstance(value, list):
        for item in value:
            _check(item, depth_left - 1)
    else:
        for name, item in value.items():
            if not (isinstance(name, str) and name.isascii()):
                raise NotCanonical("a member's name is not ASCII text")
            _check(item, depth_left - 1)
