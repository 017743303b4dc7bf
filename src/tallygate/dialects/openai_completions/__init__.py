"""OpenAI's completions, the wire from before there were chats: a prompt, and text that goes on from it
(platform.openai.com/docs/api-reference/completions).

Only clients speak it here. A prompt is carried as a chat of one message, because that is what today's models take; what
only a model without a chat's template could do is refused. The work is done in the modules beside this file, and for
what is no different in a chat in `openai_chat`.
"""

from tallygate.dialects.base import Rendered, Written
from tallygate.dialects.openai_chat import cost, edit, errors, receipt
from tallygate.dialects.openai_completions import prompt, response
from tallygate.dialects.openai_completions.names import NAME
from tallygate.dialects.openai_completions.reader import CompletionsReader
from tallygate.dialects.openai_completions.writer import CompletionsWriter
from tallygate.dialects.plain_wire import PlainWire
from tallygate.errors import TallygateError
from tallygate.genai.chat import ChatRequest, ChatResponse
from tallygate.genai.peek import Edits, Peek


class OpenAICompletions(PlainWire):
    """The dialect `openai_completions`. Stateless; every method is documented by `Dialect`."""

    name: str = NAME
    conversation: frozenset[str] = frozenset({"prompt", "system", "tools", "functions", "prediction"})

    def peek(self, body: bytes, depth_max: int) -> Peek:
        """Check a request body and outline it."""
        return prompt.peek(body, depth_max)

    def edit(self, body: bytes, peek: Peek, edits: Edits) -> bytes:
        """The body with the named changes made in place."""
        return edit.edit(body, peek, edits)

    def read_request(self, body: bytes) -> ChatRequest:
        """The whole request as a value."""
        return prompt.read_request(body)

    def write_request(self, request: ChatRequest) -> Written:
        """A request in this dialect. Raises UnsupportedParameter for a conversation."""
        return prompt.write_request(request)

    def read_response(self, body: bytes) -> ChatResponse:
        """A whole answer as a value."""
        return response.read_response(body)

    def write_response(self, response: ChatResponse, asked: bytes = b"") -> bytes:  # noqa: ARG002 - answers repeat nothing
        """A whole answer in this dialect."""
        return _write_response(response)

    def reader(self) -> CompletionsReader:
        """A reader for one stream."""
        return CompletionsReader()

    def writer(self, *, include_usage: bool, asked: bytes = b"") -> CompletionsWriter:  # noqa: ARG002
        """A writer for one stream."""
        return CompletionsWriter(include_usage=include_usage)

    def tell_cost(self, closing: bytes, cost_usd: str) -> bytes:
        """The end of a stream with `usage.cost` in its usage chunk."""
        return cost.tell_cost(closing, cost_usd)

    def tell_receipt(self, closing: bytes, receipt_id: str) -> bytes:
        """The end of a stream with a comment before ``[DONE]``."""
        return receipt.tell_receipt(closing, receipt_id)

    def read_error(self, status: int, body: bytes, retry_after: str | None) -> TallygateError:
        """What a gateway's error answer means to us."""
        return errors.read_error(status, body, retry_after)

    def write_error(self, error: TallygateError, request_id: str) -> Rendered:
        """An error as this dialect's clients expect it."""
        return errors.write_error(error, request_id)


_write_response = response.write_response

__all__ = ["OpenAICompletions"]
