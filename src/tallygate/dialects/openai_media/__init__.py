"""OpenAI's wires for what is no chat: embeddings (platform.openai.com/docs/api-reference/embeddings).

This file only shows each codec as a `Dialect`; the work is done in the modules beside it, whose names begin with what
they are for. What these wires share with a chat, its errors above all, is that dialect's.
"""

from collections.abc import Mapping
from types import MappingProxyType

from tallygate.dialects.base import Rendered, Written
from tallygate.dialects.openai_chat import errors
from tallygate.dialects.openai_media import embed_peek, embed_request, embed_response
from tallygate.dialects.openai_media.names import EMBEDDINGS
from tallygate.dialects.patches import apply, replace_text
from tallygate.errors import TallygateError
from tallygate.genai.embeddings import EmbedRequest, EmbedResponse
from tallygate.genai.peek import Edits, Peek


class OpenAIEmbeddings:
    """The dialect `openai_embeddings`. Stateless; every method is documented by `Dialect` or `Fitting`."""

    name: str = EMBEDDINGS
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
        """The body with another name of its model: nothing else is ever changed in it."""
        return body if edits.model is None else apply(body, [replace_text(peek.spans["model"], edits.model)])

    def read_request(self, body: bytes) -> EmbedRequest:
        """The whole request as a value."""
        return embed_request.read_request(body)

    def write_request(self, request: EmbedRequest) -> Written:
        """A request in this dialect."""
        return embed_request.write_request(request)

    def read_response(self, body: bytes) -> EmbedResponse:
        """A whole answer as a value."""
        return embed_response.read_response(body)

    def write_response(self, response: EmbedResponse, asked: bytes = b"") -> bytes:
        """A whole answer in this dialect, its vectors spelt as `asked` asks."""
        return embed_response.write_response(response, asked)

    def fit(self, body: bytes, response: EmbedResponse, asked: bytes) -> bytes:
        """A provider's whole answer with its vectors spelt as `asked` asks."""
        return embed_response.fit(body, response, asked)

    def read_error(self, status: int, body: bytes, retry_after: str | None) -> TallygateError:
        """What a provider's error answer means to us."""
        return errors.read_error(status, body, retry_after)

    def write_error(self, error: TallygateError, request_id: str) -> Rendered:
        """An error as this dialect's clients expect it."""
        return errors.write_error(error, request_id)
