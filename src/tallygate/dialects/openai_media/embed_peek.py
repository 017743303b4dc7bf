"""What the walk must know of a raw request for embeddings, and the refusal of what no provider of this wire would take
(platform.openai.com/docs/api-reference/embeddings/create).

A field without a name here goes to the provider unread.
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Raw, Struct

from tallygate.dialects.faults import explain
from tallygate.dialects.openai_media.embed_input import KINDS, read_input
from tallygate.dialects.policy import FIELD
from tallygate.dialects.scan import outline
from tallygate.errors import UnsupportedParameter
from tallygate.genai.peek import Peek

STRUCTURE_MAX: Final = 320_000
"""Tokens stand between commas: the vendor takes 300,000 in one request."""

DIMENSIONS_MAX: Final = 2**31 - 1
_MODEL_CHARACTERS_MAX: Final = 256


class _Body(Struct):
    model: Annotated[str, Meta(min_length=1, max_length=_MODEL_CHARACTERS_MAX)]
    input: Any
    dimensions: Annotated[int, Meta(ge=1, le=DIMENSIONS_MAX)] | None = None
    encoding_format: Literal["float", "base64"] | None = None
    user: str | None = None
    stream: bool | None = None
    policy: Raw = Raw()


_BODY = msgspec.json.Decoder(_Body)
_EXPECTED: Final = {
    "model": f"a string of 1 to {_MODEL_CHARACTERS_MAX} characters",
    "input": KINDS,
    "dimensions": f"a whole number from 1 to {DIMENSIONS_MAX}",
    "encoding_format": "float or base64",
    "user": "a string",
    "stream": "false, if it is there at all",
}


def peek(body: bytes, depth_max: int) -> Peek:
    """Outline a request for embeddings.

    Raises what `scan.outline` raises, MissingField, InvalidValue, and UnsupportedParameter for a stream and for a
    policy.
    """
    shape = outline(body, depth_max, STRUCTURE_MAX)
    try:
        read = _BODY.decode(body)
    except msgspec.ValidationError as error:
        raise explain(error, _EXPECTED) from None
    refuse_stream(read.stream)
    _refuse_policy(read.policy)
    read_input(read.input)
    return Peek(model=read.model, depth=shape.depth, body_bytes=len(body), spans=shape.spans)


def refuse_stream(stream: bool | None) -> None:
    """Raises UnsupportedParameter where a stream is asked for."""
    if stream:
        raise UnsupportedParameter("Embeddings come whole; they cannot be streamed.", param="stream")


def _refuse_policy(policy: Raw) -> None:
    """A provider that knows no such field may pass over it, and then nobody would keep what its caller relies on."""
    if bytes(policy) not in (b"", b"null"):
        raise UnsupportedParameter("A `policy` is obeyed with chats only, not with embeddings.", param=FIELD)
