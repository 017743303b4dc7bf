"""A whole answer with embeddings, both ways (platform.openai.com/docs/api-reference/embeddings/object).

Its vectors are spelt as the client asked, whether or not its provider heeds that: many engines answer with numbers
whatever `encoding_format` says, and clients ask for base64 without being told to.
"""

from typing import Any

import msgspec
from msgspec import Struct

from tallygate.dialects.fields import Fields, overlay
from tallygate.dialects.openai_chat.errors import read_failure
from tallygate.dialects.openai_chat.response import decode_answer, text_of
from tallygate.dialects.openai_chat.usage import read_count
from tallygate.dialects.openai_media.names import EMBEDDINGS
from tallygate.dialects.openai_media.vectors import find_encoding, read_vector, write_vector
from tallygate.errors import InvalidAnswer
from tallygate.genai.embeddings import Embedding, EmbedResponse, Encoding
from tallygate.genai.messages import Extra
from tallygate.genai.usage import Usage

_INDEX_MAX = 2**31


class _Asked(Struct):
    encoding_format: Encoding | None = None


_ASKED = msgspec.json.Decoder(_Asked)


def read_response(body: bytes) -> EmbedResponse:
    """The answer in `body`. Raises InvalidAnswer, or the error the provider put into an answer with status 200."""
    return read_answer(decode_answer(body))


def read_answer(value: Any) -> EmbedResponse:
    """The answer in decoded JSON. Raises as `read_response`."""
    fields = Fields(value, "", InvalidAnswer)
    if fields.look("error"):
        raise read_failure(fields.take("error"))
    fields.take("error")
    fields.take("object")
    items = fields.array("data")
    if not items:
        raise InvalidAnswer("The provider's answer has no vectors.")
    embeddings, encodings = zip(*map(_read_item, range(len(items)), items), strict=True)
    usage, counted = _read_usage(fields.take("usage"))
    model = text_of(fields.take("model"))
    extra = fields.rest()
    if counted:
        extra["usage"] = counted
    return EmbedResponse(model, embeddings, usage, encoding=encodings[0], dialect=EMBEDDINGS, extra=extra)


def _read_item(place: int, item: Any) -> tuple[Embedding, Encoding]:
    fields = Fields(item, f"data[{place}]", InvalidAnswer)
    fields.take("object")
    index, value = fields.integer("index", 0, _INDEX_MAX), fields.take("embedding")
    vector = read_vector(value)
    return Embedding(place if index is None else index, vector, fields.rest()), find_encoding(value)


def _read_usage(value: Any) -> tuple[Usage | None, Extra]:
    """The tokens that went in, by either of their names, and the members that are none of them."""
    if not isinstance(value, dict):
        return None, {}
    fields = Fields(value)
    given, total = read_count(fields.take("prompt_tokens")), read_count(fields.take("total_tokens"))
    tokens = total if given is None else given
    return None if tokens is None else Usage(input_tokens=tokens), fields.rest()


def write_response(response: EmbedResponse, asked: bytes = b"") -> bytes:
    """The answer in this wire's bytes, spelt as `asked` asks; without it, as the provider spelt it.

    Raises InvalidAnswer for vectors that cannot be spelt so.
    """
    encoding = find_asked(asked) if asked else response.encoding
    same = response.dialect == EMBEDDINGS
    body: dict[str, Any] = {
        "object": "list",
        "data": [_write_item(one, encoding, same=same) for one in response.embeddings],
        "model": response.model,
    }
    if response.usage is not None:
        tokens = response.usage.input_tokens
        body["usage"] = {"prompt_tokens": tokens, "total_tokens": tokens}
    return msgspec.json.encode(overlay(body, response.extra) if same else body)


def _write_item(one: Embedding, encoding: Encoding, *, same: bool) -> dict[str, Any]:
    known = {"object": "embedding", "index": one.index, "embedding": write_vector(one.vector, encoding)}
    return overlay(known, one.extra) if same else known


def fit(body: bytes, response: EmbedResponse, asked: bytes) -> bytes:
    """The answer as it came if its vectors are spelt as `asked` asks, else written anew."""
    return body if response.encoding == find_asked(asked) else write_response(response, asked)


def find_asked(asked: bytes) -> Encoding:
    """How a checked request wants its vectors spelt: in numbers where it says nothing."""
    return _ASKED.decode(asked).encoding_format or "float"
