"""The gateway's own surface: OpenAI's chat objects in an envelope, `{"status": "ok", "data": {…}, "meta": {…}}`, and a
prompt without messages for who needs no more (docs/reference/inference.md).

Only clients speak it, no provider does. This file only shows both codecs as a `Dialect`; the work is done in the
modules beside it, and for what is said of a chat itself in `openai_chat`.
"""

from collections.abc import Mapping

from tallygate.dialects.base import Rendered, Written
from tallygate.dialects.openai_chat.edit import edit
from tallygate.dialects.plain_wire import PlainWire
from tallygate.dialects.unified import errors, meta, prompt, request, response, writer
from tallygate.dialects.unified.names import CHAT, GENERATE
from tallygate.dialects.unified.reader import UnifiedReader
from tallygate.errors import TallygateError
from tallygate.genai.chat import ChatRequest, ChatResponse
from tallygate.genai.peek import Edits, Peek


class UnifiedChat(PlainWire):
    """The dialect `unified_chat`. Stateless; every method is documented by `Dialect` or `Enveloping`."""

    name: str = CHAT
    conversation: frozenset[str] = frozenset({"messages", "system", "tools", "functions", "prediction"})

    def peek(self, body: bytes, depth_max: int) -> Peek:
        """Check a request body and outline it."""
        return request.peek(body, depth_max)

    def edit(self, body: bytes, peek: Peek, edits: Edits) -> bytes:
        """The body with the named changes made in place."""
        return edit(body, peek, edits)

    def read_request(self, body: bytes) -> ChatRequest:
        """The whole request as a value."""
        return request.read_request(body)

    def write_request(self, request: ChatRequest) -> Written:
        """A request in this dialect."""
        return _write_request(request)

    def read_response(self, body: bytes) -> ChatResponse:
        """A whole answer as a value."""
        return response.read_response(body, self.name)

    def write_response(self, response: ChatResponse, asked: bytes = b"") -> bytes:  # noqa: ARG002 - answers repeat nothing
        """A whole answer in this dialect."""
        return _write_response(response, self.name)

    def reader(self) -> UnifiedReader:
        """A reader for one stream."""
        return UnifiedReader(self.name)

    def writer(self, *, include_usage: bool, asked: bytes = b"") -> writer.UnifiedWriter:  # noqa: ARG002
        """A writer for one stream. Usage always comes on this wire."""
        return writer.UnifiedWriter(self.name)

    def tell_cost(self, closing: bytes, cost_usd: str) -> bytes:  # noqa: ARG002 - told by tell_meta
        """Unchanged: the cost stands in `meta`."""
        return closing

    def tell_receipt(self, closing: bytes, receipt_id: str) -> bytes:  # noqa: ARG002 - told by tell_meta
        """Unchanged: the receipt's id stands in `meta`."""
        return closing

    def tell_meta(self, closing: bytes, facts: Mapping[str, str], *, stream: bool) -> bytes:
        """A whole answer, or the end of a stream, with these facts as its `meta`."""
        return meta.tell_meta(closing, facts, stream=stream)

    def read_error(self, status: int, body: bytes, retry_after: str | None) -> TallygateError:
        """What a gateway's error answer means to us."""
        return errors.read_error(status, body, retry_after)

    def write_error(self, error: TallygateError, request_id: str) -> Rendered:
        """An error as this dialect's clients expect it."""
        return errors.write_error(error, request_id)


class UnifiedGenerate(UnifiedChat):
    """The dialect `unified_generate`: a chat whose only message is a `prompt`, and whose answers are `text`."""

    name: str = GENERATE
    conversation: frozenset[str] = frozenset({"prompt", "system", "tools", "functions", "prediction"})

    def peek(self, body: bytes, depth_max: int) -> Peek:
        """Check a request body and outline it."""
        return prompt.peek(body, depth_max)

    def read_request(self, body: bytes) -> ChatRequest:
        """The whole request as a value."""
        return prompt.read_request(body)

    def write_request(self, request: ChatRequest) -> Written:
        """A request in this dialect. Raises UnsupportedParameter for a conversation."""
        return prompt.write_request(request)


# Methods whose parameters hide the modules of the same names.
_write_request = request.write_request
_write_response = response.write_response

__all__ = ["UnifiedChat", "UnifiedGenerate"]
