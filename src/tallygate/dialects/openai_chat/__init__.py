"""OpenAI's chat completions, the wire that most clients and providers speak
(platform.openai.com/docs/api-reference/chat).

This file only shows the codec as a `Dialect`; the work is done in the modules beside it, each for one kind
of thing said.
"""

from tallygate.dialects.base import Rendered, Written
from tallygate.dialects.openai_chat import (
    cost,
    edit,
    errors,
    peek,
    reader,
    receipt,
    request,
    response,
    run_block,
    writer,
)
from tallygate.dialects.openai_chat.losses import NAME
from tallygate.dialects.plain_wire import PlainWire
from tallygate.errors import TallygateError
from tallygate.genai.chat import ChatRequest, ChatResponse
from tallygate.genai.course import Course
from tallygate.genai.peek import Edits, Peek
from tallygate.genai.reckoning import Reckoning


class OpenAIChat(PlainWire):
    """The dialect `openai_chat`. Stateless; every method is documented by `Streaming` or `Recounting`."""

    name: str = NAME
    conversation: frozenset[str] = frozenset({"messages", "system", "tools", "functions", "prediction"})

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

    def write_response(self, response: ChatResponse, asked: bytes = b"") -> bytes:  # noqa: ARG002
        """A whole answer in this dialect. It repeats nothing of its request."""
        return _write_response(response)

    def reader(self) -> reader.ChatReader:
        """A reader for one stream."""
        return reader.ChatReader()

    def writer(self, *, include_usage: bool, asked: bytes = b"") -> writer.ChatWriter:  # noqa: ARG002
        """A writer for one stream."""
        return writer.ChatWriter(include_usage=include_usage)

    def tell_cost(self, closing: bytes, cost_usd: str) -> bytes:
        """The end of a stream with `usage.cost` in its usage chunk."""
        return cost.tell_cost(closing, cost_usd)

    def tell_receipt(self, closing: bytes, receipt_id: str) -> bytes:
        """The end of a stream with a comment before ``[DONE]``."""
        return receipt.tell_receipt(closing, receipt_id)

    def tell_course(self, closing: bytes, reckoning: Reckoning, course: Course, *, asked: bytes, stream: bool) -> bytes:
        """A whole answer, or the end of a stream, with a block `run`."""
        return run_block.tell_course(closing, reckoning.receipt_id, course, asked=asked, stream=stream)

    def read_error(self, status: int, body: bytes, retry_after: str | None) -> TallygateError:
        """What a provider's error answer means to us."""
        return errors.read_error(status, body, retry_after)

    def write_error(self, error: TallygateError, request_id: str) -> Rendered:
        """An error as this dialect's clients expect it."""
        return errors.write_error(error, request_id)


_write_request = request.write_request
_write_response = response.write_response
