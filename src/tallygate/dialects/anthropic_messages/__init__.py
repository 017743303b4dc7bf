"""Anthropic's messages, the wire that Claude's clients speak (platform.claude.com/docs/en/api/messages).

This file only shows the codec as a `Dialect`, and names what a door of this wire needs besides; the work is done in the
modules beside it, each for one kind of thing said.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tallygate.dialects.anthropic_messages import edit, errors, peek, reader, request, response, writer
from tallygate.dialects.anthropic_messages.harmless import NAME
from tallygate.dialects.base import Rendered, Written
from tallygate.dialects.sse import encode
from tallygate.errors import TallygateError
from tallygate.genai.chat import ChatRequest, ChatResponse
from tallygate.genai.peek import Edits, Peek

VERSION_DEFAULT: Final = "2023-06-01"
"""The API version of a request that came without one or in another dialect: the one that takes sampling parameters."""


class AnthropicMessages:
    """The dialect `anthropic_messages`. Stateless; every method is documented by `Dialect`."""

    name: str = NAME
    operation: str = "chat"
    stream_content_type: str = "text/event-stream"
    ping: bytes = encode(b'{"type": "ping"}', b"ping")
    # Not the client's own identity (`x-app`, its session): a provider needs the two only.
    forward_headers: frozenset[str] = frozenset({"anthropic-version", "anthropic-beta"})
    trial_header: str = "anthropic-beta"
    needs_output_cap: bool = True
    header_defaults: Mapping[str, str] = MappingProxyType({"anthropic-version": VERSION_DEFAULT})
    # Servers of tools come with the secrets that open them.
    conversation: frozenset[str] = frozenset({"messages", "system", "tools", "mcp_servers"})
    count_suffix: str = "/count_tokens"

    def peek(self, body: bytes, depth_max: int) -> Peek:
        """Check a request body and outline it."""
        return peek.peek(body, depth_max)

    def check_headers(self, headers: Mapping[str, str], body: bytes, peek: Peek) -> None:
        """Refuse what the API version in the headers does not take."""
        check_version(body, peek, headers.get("anthropic-version"))

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

    def reader(self) -> reader.MessagesReader:
        """A reader for one stream."""
        return reader.MessagesReader()

    def writer(self, *, include_usage: bool, asked: bytes = b"") -> writer.MessagesWriter:  # noqa: ARG002
        """A writer for one stream. Usage always comes on this wire."""
        return writer.MessagesWriter()

    def peek_count(self, body: bytes, depth_max: int) -> Peek:
        """Check and outline a request to count tokens."""
        return _peek_count(body, depth_max)

    def read_count(self, body: bytes) -> int:
        """A provider's count of input tokens."""
        return response.read_count(body)

    def write_count(self, input_tokens: int) -> bytes:
        """A count as this wire tells it."""
        return _write_count(input_tokens)

    def tell_cost(self, closing: bytes, cost_usd: str) -> bytes:  # noqa: ARG002 - other wires have room for it
        """Unchanged: every member of this wire's usage has a meaning to its clients, and none is a cost."""
        return closing

    def tell_receipt(self, closing: bytes, receipt_id: str) -> bytes:  # noqa: ARG002 - other wires have comments
        """Unchanged: nothing but `ping` is ever added to a stream of this wire."""
        return closing

    def read_error(self, status: int, body: bytes, retry_after: str | None) -> TallygateError:
        """What a provider's error answer means to us."""
        return errors.read_error(status, body, retry_after)

    def write_error(self, error: TallygateError, request_id: str) -> Rendered:
        """An error as this dialect's clients expect it."""
        return errors.write_error(error, request_id)


# Methods whose parameters hide the modules of the same names.
_peek_count, check_version = peek.peek_count, peek.check_version
_write_request = request.write_request
_write_response, _write_count = response.write_response, response.write_count

__all__ = ["VERSION_DEFAULT", "AnthropicMessages"]
