"""Embeddings on this surface: OpenAI's request and, in the envelope, OpenAI's answer (docs/reference/inference.md)."""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec.structs import replace

from tallygate.dialects.base import Rendered, Written
from tallygate.dialects.openai_media import embed_peek, embed_request, embed_response
from tallygate.dialects.openai_media.names import EMBEDDINGS
from tallygate.dialects.patches import apply, replace_text
from tallygate.dialects.unified import errors, meta
from tallygate.dialects.unified.enclosure import (
    enclose_answer,
    keep_envelope,
    leave_out_price,
    open_answer,
    take_envelope,
)
from tallygate.dialects.unified.names import EMBED
from tallygate.errors import TallygateError
from tallygate.genai.embeddings import EmbedRequest, EmbedResponse
from tallygate.genai.messages import Extra
from tallygate.genai.peek import Edits, Peek


class UnifiedEmbed:
    """The dialect `unified_embed`. Stateless; every method is documented by `Dialect` or `Enveloping`."""

    name: str = EMBED
    operation: str = "embed"
    forward_headers: frozenset[str] = frozenset()
    trial_header: str = ""
    needs_output_cap: bool = False
    header_defaults: Mapping[str, str] = MappingProxyType({})
    conversation: frozenset[str] = frozenset({"input"})

    def peek(self, body: bytes, depth_max: int) -> Peek:
        """Check a request body and outline it."""
        return embed_peek.peek(body, depth_max)

    def check_headers(self, headers: Mapping[str, str], body: bytes, peek: Peek) -> None:
        """No header of this wire rules anything out."""

    def edit(self, body: bytes, peek: Peek, edits: Edits) -> bytes:
        """The body with another name of its model."""
        return body if edits.model is None else apply(body, [replace_text(peek.spans["model"], edits.model)])

    def read_request(self, body: bytes) -> EmbedRequest:
        """The whole request as a value."""
        return embed_request.read_request(body)

    def write_request(self, request: EmbedRequest) -> Written:
        """A request in this dialect. What it holds beyond the vocabulary is OpenAI's."""
        return embed_request.write_request(request)

    def read_response(self, body: bytes) -> EmbedResponse:
        """A whole answer as a value."""
        data, envelope = open_answer(body)
        response = embed_response.read_answer(data)
        return replace(response, dialect=EMBED, extra=keep_envelope(response.extra, envelope))

    def write_response(self, response: EmbedResponse, asked: bytes = b"") -> bytes:
        """A whole answer in this dialect, its vectors spelt as `asked` asks."""
        dialect, extra, envelope = response.dialect, response.extra, Extra()
        if dialect == EMBED:
            dialect = EMBEDDINGS
            extra, envelope = take_envelope(extra)
        carried = replace(response, dialect=dialect, extra=leave_out_price(extra))
        return enclose_answer(embed_response.write_response(carried, asked), envelope)

    def tell_meta(self, closing: bytes, facts: Mapping[str, str], *, stream: bool) -> bytes:
        """A whole answer with these facts as its `meta`."""
        return meta.tell_meta(closing, facts, stream=stream)

    def read_error(self, status: int, body: bytes, retry_after: str | None) -> TallygateError:
        """What a gateway's error answer means to us."""
        return errors.read_error(status, body, retry_after)

    def write_error(self, error: TallygateError, request_id: str) -> Rendered:
        """An error as this dialect's clients expect it."""
        return errors.write_error(error, request_id)
