"""Vectors as they stand in JSON: a list of numbers, or base64 of 32-bit floats, little-endian
(platform.openai.com/docs/api-reference/embeddings/object). Inside the house they are the bytes of those floats.
"""

import base64
import math
import struct
from typing import Any, Final, cast

from tallygate.errors import InvalidAnswer
from tallygate.genai.embeddings import FLOAT_BYTES, Encoding

_NO_VECTOR: Final = "The provider's answer holds a vector that is none."


def find_encoding(value: Any) -> Encoding:
    """How a vector is spelt."""
    return "base64" if isinstance(value, str) else "float"


def read_vector(value: Any) -> bytes:
    """The vector. Raises InvalidAnswer for what is none, and for numbers beyond a 32-bit float."""
    vector = _read_base64(value) if isinstance(value, str) else _read_numbers(value)
    if not vector or len(vector) % FLOAT_BYTES:
        raise InvalidAnswer(_NO_VECTOR)
    return vector


def _read_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise InvalidAnswer(_NO_VECTOR) from None


def _read_numbers(value: Any) -> bytes:
    if not isinstance(value, list):
        raise InvalidAnswer(_NO_VECTOR)
    numbers = cast("list[Any]", value)
    try:
        return struct.pack(f"<{len(numbers)}f", *numbers)
    except (struct.error, OverflowError):
        raise InvalidAnswer(_NO_VECTOR) from None


def write_vector(vector: bytes, encoding: Encoding) -> str | tuple[float, ...]:
    """The vector in JSON. Raises InvalidAnswer for one that numbers in JSON cannot tell: infinite, or no number."""
    if encoding == "base64":
        return base64.b64encode(vector).decode()
    numbers = struct.unpack(f"<{len(vector) // FLOAT_BYTES}f", vector)
    if not all(map(math.isfinite, numbers)):
        raise InvalidAnswer("The provider's answer holds a vector that cannot be told in numbers.")
    return numbers
