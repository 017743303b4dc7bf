"""OpenAI's responses, the wire that Codex and newer clients speak (developers.openai.com/api/reference/responses).

This file only shows the codec as a `Dialect`; the work is done in the modules beside it, each for one kind
of thing said. Nothing is stored here: what lies at a provider from one call to the next is refused by `peek`.
"""

from tallygate.dialects.base import Rendered, Written
from tallygate.dialects.openai_responses import (
    cost,
    edit,
    errors,
    peek,
    reader,
    receipt,
    request,
    response,
    writer,
)
from tallygate.dialects.openai_responses.losses import NAME
from tallygate.dialects.plain_wire import PlainWire
from tallygate.errors import TallygateError
from tallygate.genai.chat import ChatRequest, ChatResponse
from tallygate.genai.peek import Edits, Peek


class OpenAIResponses(PlainWire):
    """The dialect `openai_responses`. Stateless; every method is documented by `Dialect`."""

    name: str = NAME
    # Servers of tools come with the secrets that open them.
    conversation: frozenset[str] = frozenset({"input", "instructions", "tools"})

    def peek(self, body: bytes, depth_max: int) -> Peek:
        """Check a request body and outline it."""
        return peek.peek(body, depth_max)

    def edit(self, body: bytes, peek: Peek, edits: Edits) -> bytes:
        """The body with the named changes made in place."""
        return edit.edit(body, peek, edits)

    def read_request(self, body: bytes) -> ChatRequest:
        """The whole request as a value."""
        return request.read_request(body)

    def write_request(self, request: ChatRequest) -> Written:
        """A request in this dialect."""
        return _write_request(request)

    def read_response(self, body: bytes) -> ChatResponse:
        """A whole answer as a value."""
        return response.read_response(body)

    def write_response(self, response: ChatResponse, asked: bytes = b"") -> bytes:
        """A whole answer in this dialect."""
        return _write_response(response, asked)

    def reader(self) -> reader.ResponsesReader:
        """A reader for one stream."""
        return reader.ResponsesReader()

    def writer(self, *, include_usage: bool, asked: bytes = b"") -> writer.ResponsesWriter:  # noqa: ARG002
        """A writer for one stream. Usage always comes on this wire."""
        return writer.ResponsesWriter(asked)

    def tell_cost(self, closing: bytes, cost_usd: str) -> bytes:
        """The end of a stream with `cost` beside its usage."""
        return cost.tell_cost(closing, cost_usd)

    def tell_receipt(self, closing: bytes, receipt_id: str) -> bytes:
        """The end of a stream with a comment before its last event."""
        return receipt.tell_receipt(closing, receipt_id)

    def read_error(self, status: int, body: bytes, retry_after: str | None) -> TallygateError:
        """What a provider's error answer means to us."""
        return errors.read_error(status, body, retry_after)

    def write_error(self, error: TallygateError, request_id: str) -> Rendered:
        """An error as this dialect's clients expect it."""
        return errors.write_error(error, request_id)


_write_request = request.write_request
_write_response = response.write_response
