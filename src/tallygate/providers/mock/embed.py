"""The test model that embeds: vectors of length 1 that are decided by the input alone, so that equal texts have equal
vectors and all others point elsewhere. Lenient, with types of its own (developers.openai.com/api/reference/embeddings).
"""

import base64
import hashlib
import math
import struct
from collections.abc import Iterator
from typing import Any

from msgspec import Struct, json

from tallygate.errors import InvalidValue
from tallygate.providers.mock.script import split_tokens

DIMENSIONS = 256
DIMENSIONS_MAX = 4_096

_WORD_BYTES = 4
_WORD_MAX = 2**32 - 1


class Request(Struct, frozen=True):
    """A request for embeddings."""

    model: str
    input: str | tuple[str | int | tuple[int, ...], ...]
    dimensions: int | None = None
    encoding_format: str | None = None

    @property
    def inputs(self) -> tuple[str | tuple[int, ...], ...]:
        """Each text, or the tokens of one."""
        if isinstance(self.input, str):
            return (self.input,)
        ids = tuple(item for item in self.input if isinstance(item, int))
        return (ids,) if ids else tuple(item for item in self.input if not isinstance(item, int))


def write_answer(request: Request) -> bytes:
    """The answer. Raises InvalidValue for more dimensions than there are."""
    length = DIMENSIONS if request.dimensions is None else request.dimensions
    if not 1 <= length <= DIMENSIONS_MAX:
        raise InvalidValue(f"dimensions must be from 1 to {DIMENSIONS_MAX}.", param="dimensions")
    spell = _spell_base64 if request.encoding_format == "base64" else list[float]
    tokens = sum(map(_count_tokens, request.inputs))
    data = [
        {"object": "embedding", "index": index, "embedding": spell(make_vector(one, length))}
        for index, one in enumerate(request.inputs)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return json.encode({"object": "list", "data": data, "model": request.model, "usage": usage})


def make_vector(one: str | tuple[int, ...], length: int) -> tuple[float, ...]:
    """The vector of one input, as 32-bit floats."""
    seed = json.encode(one)
    drawn = [value / _WORD_MAX * 2 - 1 for value in _draw(seed, length)]
    norm = math.hypot(*drawn) or 1.0
    form = f"<{length}f"
    return struct.unpack(form, struct.pack(form, *(value / norm for value in drawn)))


def _draw(seed: bytes, count: int) -> Iterator[int]:
    """Whole numbers below 2**32 that follow from the seed."""
    data = hashlib.shake_256(seed).digest(count * _WORD_BYTES)
    return (number for (number,) in struct.iter_unpack("<I", data))


def _count_tokens(one: str | tuple[int, ...]) -> int:
    return max(1, len(split_tokens(one))) if isinstance(one, str) else len(one)


def _spell_base64(vector: tuple[float, ...]) -> Any:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
