"""Somebody else's JSON object in canonical form, RFC 8785 with its fractions, so that two programs that write the same
object in different ways are found to have said the same.

Unlike `receipts.canonical`, which reads our own values and refuses whatever is in doubt, nothing is refused here: what
has no such form is taken as it stands. Pure.
"""

import re
from decimal import Decimal
from typing import Any, Final, cast

import msgspec
from msgspec import Raw

INTEGER_MAX: Final = 2**53 - 1
"""The largest whole number that every reader of JSON keeps (RFC 8785, appendix B); the smallest is its negative."""

BYTES_MAX: Final = 65_536
"""A longer object is taken as it stands: what it costs to read one must not hold up other calls."""

_ENCODER: Final = msgspec.json.Encoder(order="sorted")
_ENCODER_AS_IT_IS: Final = msgspec.json.Encoder()
_PLACES_MAX: Final = 21
_ZEROS_MAX: Final = 6
# Digits enough for a whole number beyond INTEGER_MAX. They may well stand in a text: this only says to look closely.
_LONG_NUMBER: Final = re.compile(rb"[0-9]{16}")


def even_out(text: bytes) -> bytes:
    """The canonical form of the JSON object in `text`; `text` itself if it is none, has no such form or is too long."""
    if len(text) > BYTES_MAX:
        return text
    try:
        value = _DECODER.decode(text)
        # The encoder sorts names by their characters, which is right unless there are some beyond the first 2^16.
        if text.isascii() and b"\\u" not in text and not _LONG_NUMBER.search(text):
            return _ENCODER.encode(value)
        return _ENCODER_AS_IT_IS.encode(_sort(value))
    except (ValueError, RecursionError):
        return text


def _write_fraction(text: str) -> Raw:
    """A number as RFC 8785, section 3.2.2.3 has it: the shortest digits that mean the same double (ECMA-262, section
    6.1.6.1.20). Raises ValueError for one that no double can hold.
    """
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError("no number")
    # Python's shortest digits are the same; only where they stand may differ.
    shortest = repr(number)
    if "e" not in shortest and number:
        return Raw(shortest.removesuffix(".0").encode())
    sign, parts, exponent = Decimal(repr(number)).normalize().as_tuple()
    digits = "".join(map(str, parts))
    if digits == "0":
        return Raw(b"0")
    point = len(digits) + cast(int, exponent)
    return Raw((("-" if sign else "") + _place_point(digits, point)).encode())


def _place_point(digits: str, point: int) -> str:
    """`point`: after how many of the digits it stands."""
    count = len(digits)
    if count <= point <= _PLACES_MAX:
        return digits + "0" * (point - count)
    if 0 < point <= _PLACES_MAX:
        return f"{digits[:point]}.{digits[point:]}"
    if -_ZEROS_MAX < point <= 0:
        return f"0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if count > 1 else ""
    return f"{digits[0]}{fraction}e{point - 1:+d}"


def _sort(value: Any) -> Any:
    """The value with its names in order of their UTF-16 units (section 3.2.3), and long whole numbers as doubles."""
    if isinstance(value, dict):
        members = cast(dict[str, Any], value)
        return {name: _sort(members[name]) for name in sorted(members, key=lambda name: name.encode("utf-16-be"))}
    if isinstance(value, list):
        return [_sort(item) for item in cast(list[Any], value)]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > INTEGER_MAX:
        return _write_fraction(str(value))
    return value


_DECODER: Final = msgspec.json.Decoder(dict[str, Any], float_hook=_write_fraction)
