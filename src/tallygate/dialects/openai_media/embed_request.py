"""A whole request for embeddings, both ways (platform.openai.com/docs/api-reference/embeddings/create)."""

from typing import Any, Final

import msgspec

from tallygate.dialects.base import Written
from tallygate.dialects.fields import Fields, decode_body, without_none
from tallygate.dialects.losses import Losses
from tallygate.dialects.openai_media.embed_input import KINDS, read_input, write_input
from tallygate.dialects.openai_media.embed_peek import DIMENSIONS_MAX, refuse_stream
from tallygate.dialects.openai_media.names import EMBEDDINGS
from tallygate.genai.embeddings import EmbedRequest, Encoding

HARMLESS: Final = frozenset({
    "keep_alive",  # how long an engine keeps the model in memory
})  # fmt: skip
"""Members of other dialects that may be left out without changing the vectors."""


def read_request(body: bytes) -> EmbedRequest:
    """The request in `body`. Raises InvalidJson, InvalidEncoding, TooDeep, InvalidValue, MissingField with the path."""
    fields = Fields(decode_body(body))
    model, given = fields.need_text("model"), fields.take("input")
    if given is None:
        raise fields.miss("input", KINDS)
    inputs, alone = read_input(given)
    refuse_stream(fields.flag("stream"))
    return EmbedRequest(
        model=model,
        inputs=inputs,
        alone=alone,
        dimensions=fields.integer("dimensions", 1, DIMENSIONS_MAX),
        encoding=_read_encoding(fields),
        user=fields.text("user"),
        dialect=EMBEDDINGS,
        extra=fields.rest(),
    )


def _read_encoding(fields: Fields) -> Encoding | None:
    match fields.text("encoding_format"):
        case None:
            return None
        case "float":
            return "float"
        case "base64":
            return "base64"
        case _:
            raise fields.refuse("float or base64", "encoding_format")


def write_request(request: EmbedRequest) -> Written:
    """The request in this wire's bytes. Raises UnsupportedParameter with the path of what cannot be carried."""
    losses = Losses(same=request.dialect == EMBEDDINGS, harmless=HARMLESS)
    members: dict[str, Any] = {
        "model": request.model,
        "input": write_input(request.inputs, alone=request.alone),
        "dimensions": request.dimensions,
        "encoding_format": request.encoding,
        "user": request.user,
    }
    body = losses.restore(without_none(members), request.extra, "")
    return Written(msgspec.json.encode(body), losses.dropped, losses.wants_inline)
