"""Embeddings on this wire: OpenAI's, with wishes about who makes them, and with their cost
(openrouter.ai/docs/api-reference/embeddings).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from msgspec.structs import replace

from tallygate.dialects.base import Rendered, Written
from tallygate.dialects.openai_media import embed_peek, embed_request, embed_response
from tallygate.dialects.openrouter import errors, telling
from tallygate.dialects.openrouter.names import EMBED
from tallygate.dialects.openrouter.request import peek_wishes, take_wishes
from tallygate.dialects.patches import apply, replace_text
from tallygate.errors import TallygateError
from tallygate.genai.embeddings import EmbedRequest, EmbedResponse
from tallygate.genai.peek import Edits, Peek
from tallygate.genai.reckoning import Reckoning
from tallygate.genai.usage import Usage


class OpenRouterEmbeddings:
    """The dialect `openrouter_embeddings`. Stateless; every method is documented by `Dialect` or `Accountable`."""

    name: str = EMBED
    operation: str = "embed"
    forward_headers: frozenset[str] = frozenset()
    trial_header: str = ""
    needs_output_cap: bool = False
    header_defaults: Mapping[str, str] = MappingProxyType({})
    conversation: frozenset[str] = frozenset({"input"})

    def peek(self, body: bytes, depth_max: int) -> Peek:
        """Check a request body and outline it."""
        return peek_wishes(body, depth_max, embed_peek.peek, embed_peek.STRUCTURE_MAX)

    def check_headers(self, headers: Mapping[str, str], body: bytes, peek: Peek) -> None:
        """No header of this wire rules anything out."""

    def edit(self, body: bytes, peek: Peek, edits: Edits) -> bytes:
        """The body with another name of its model."""
        return body if edits.model is None else apply(body, [replace_text(peek.spans["model"], edits.model)])

    def read_request(self, body: bytes) -> EmbedRequest:
        """The whole request as a value."""
        return embed_request.read_request(take_wishes(body))

    def write_request(self, request: EmbedRequest) -> Written:
        """A request in this dialect. What it holds beyond the vocabulary is OpenAI's."""
        return embed_request.write_request(request)

    def read_response(self, body: bytes) -> EmbedResponse:
        """A whole answer as a value."""
        return embed_response.read_response(body)

    def write_response(self, response: EmbedResponse, asked: bytes = b"") -> bytes:
        """A whole answer in this dialect, its vectors spelt as `asked` asks."""
        return embed_response.write_response(replace(response, extra=telling.leave_out_price(response.extra)), asked)

    def tell_reckoning(self, closing: bytes, reckoning: Reckoning, *, stream: bool) -> bytes:
        """A whole answer with what it came to in its `usage`."""
        return telling.tell(closing, reckoning, _write_counts, stream=stream)

    def read_error(self, status: int, body: bytes, retry_after: str | None) -> TallygateError:
        """What a gateway's error answer means to us."""
        return errors.read_error(status, body, retry_after)

    def write_error(self, error: TallygateError, request_id: str) -> Rendered:
        """An error as this dialect's clients expect it."""
        return errors.write_error(error, request_id)


def _write_counts(usage: Usage) -> dict[str, Any]:
    return {"prompt_tokens": usage.input_tokens, "total_tokens": usage.input_tokens}
