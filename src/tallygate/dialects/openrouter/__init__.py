"""OpenRouter's flavour of OpenAI's chat completions (openrouter.ai/docs/api-reference): wishes about who serves a call,
usage and cost in every answer, and errors with numbers (docs/reference/openrouter.md).

Only clients speak it: a provider of that name is spoken to in `openai_chat`. This file only shows the codec as a
`Streaming` dialect; the work is done in the modules beside it, and for what is said of a chat itself in `openai_chat`.
"""

from typing import Final

from tallygate.dialects.base import Rendered, Written
from tallygate.dialects.openai_chat.edit import edit
from tallygate.dialects.openai_chat.receipt import tell_receipt
from tallygate.dialects.openai_chat.usage import write_usage
from tallygate.dialects.openrouter import errors, reader, request, response, telling, writer
from tallygate.dialects.openrouter.names import NAME
from tallygate.dialects.plain_wire import PlainWire
from tallygate.errors import TallygateError
from tallygate.genai.chat import ChatRequest, ChatResponse
from tallygate.genai.peek import Edits, Peek
from tallygate.genai.reckoning import Reckoning
from tallygate.genai.stream import Started

PREFIX: Final = "gen-"
"""What stands before a call's id in the id of its answer."""


class OpenRouterChat(PlainWire):
    """The dialect `openrouter_chat`. Stateless; every method is documented by `Streaming`, `Enveloping` or `Naming`."""

    name: str = NAME
    conversation: frozenset[str] = frozenset({"messages", "system", "tools", "functions", "prediction"})
    id_header: str = "x-generation-id"

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
        return response.read_response(body)

    def write_response(self, response: ChatResponse, asked: bytes = b"") -> bytes:  # noqa: ARG002 - answers repeat nothing
        """A whole answer in this dialect."""
        return _write_response(response)

    def reader(self) -> reader.OpenRouterReader:
        """A reader for one stream."""
        return reader.OpenRouterReader()

    def writer(self, *, include_usage: bool, asked: bytes = b"") -> writer.OpenRouterWriter:  # noqa: ARG002
        """A writer for one stream. Usage always comes on this wire."""
        return writer.OpenRouterWriter()

    def tell_cost(self, closing: bytes, cost_usd: str) -> bytes:  # noqa: ARG002 - told by tell_meta
        """Unchanged: the cost is told with the usage, which may be the gateway's own."""
        return closing

    def tell_receipt(self, closing: bytes, receipt_id: str) -> bytes:
        """The end of a stream with a comment before ``[DONE]``."""
        return tell_receipt(closing, receipt_id)

    def tell_reckoning(self, closing: bytes, reckoning: Reckoning, *, stream: bool) -> bytes:
        """A whole answer, or the end of a stream, with what it came to in its `usage`."""
        return telling.tell(closing, reckoning, write_usage, stream=stream)

    def name_answer(self, call_id: str) -> str:
        """The id of the answer to a call."""
        return PREFIX + call_id

    def fail(self, error: TallygateError, head: Started, request_id: str) -> bytes:
        """The end of a stream that broke: a chunk with the error, headed as all chunks are."""
        failing = writer.OpenRouterWriter()
        failing.feed(head)
        return failing.fail(error, request_id)

    def read_error(self, status: int, body: bytes, retry_after: str | None) -> TallygateError:
        """What a gateway's error answer means to us."""
        return errors.read_error(status, body, retry_after)

    def write_error(self, error: TallygateError, request_id: str) -> Rendered:
        """An error as this dialect's clients expect it."""
        return errors.write_error(error, request_id)


# Methods whose parameters hide the modules of the same names.
_write_request = request.write_request
_write_response = response.write_response

__all__ = ["OpenRouterChat"]
