"""What a wire format must offer to be spoken at both ends of the house (docs/house.md, Three ways through).

A dialect is stateless and pure: bytes in, values out, no socket, no clock, no provider. The codec that reads a client's
request is the one that writes a request to a provider of the same tongue. Readers and writers of streams hold the state
of one stream each. Anything that needs to know who is at the other end belongs in `providers` or `pipeline`.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from msgspec import Struct

from tallygate.errors import TallygateError
from tallygate.genai.chat import ChatRequest, ChatResponse
from tallygate.genai.course import Course
from tallygate.genai.operation import Request, Response
from tallygate.genai.peek import Edits, Peek
from tallygate.genai.plan import Target
from tallygate.genai.reckoning import Reckoning
from tallygate.genai.stream import Event, Started


class Written(Struct, frozen=True):
    """A request in a dialect's bytes, and what the conversion could not carry.

    `dropped` names fields that were left out as harmless (paths such as ``sampling.top_k``); `wants_inline` holds URLs
    that this dialect can only carry as inline data, for the caller to fetch and substitute before writing again.
    """

    body: bytes
    dropped: tuple[str, ...] = ()
    wants_inline: tuple[str, ...] = ()


class Rendered(Struct, frozen=True):
    """An error in a dialect's words: the HTTP status it uses there, and the body."""

    status: int
    body: bytes
    content_type: str = "application/json"


class Frame(Struct, frozen=True):
    """One piece of a stream exactly as it came, and what it means.

    `raw` is the bytes of the frame with its delimiter; frames in order join to the whole stream. `closing` marks what a
    client takes for the end (it is held until the call is settled). `only_usage` marks a frame that exists because
    usage was asked for, so that it can be withheld from a client that did not ask.
    """

    raw: bytes
    events: tuple[Event, ...] = ()
    closing: bool = False
    only_usage: bool = False


class StreamReader(Protocol):
    """Bytes of one stream to frames. The split of the bytes over calls never changes the frames."""

    def feed(self, data: bytes) -> list[Frame]:
        """Frames that `data` completes. Raises InvalidAnswer if the bytes are not this dialect's stream."""
        ...

    def finish(self) -> list[Frame]:
        """The frames left when the bytes end cleanly. Raises StreamBroken if the stream had not come to its end."""
        ...


class StreamWriter(Protocol):
    """Events to the bytes of one stream."""

    def feed(self, event: Event) -> bytes:
        """The bytes for one event; empty if this dialect says nothing for it yet."""
        ...

    def fail(self, error: TallygateError, request_id: str = "") -> bytes:
        """The bytes that tell of a failure in mid-stream, with the request's id if there is one. Nothing may follow."""
        ...


class Dialect(Protocol):
    """One wire format, at both ends. What it reads and writes are the values of its operation; dialects of one
    operation understand each other's.
    """

    name: str
    operation: str
    """What is asked of a model in it: ``chat``, ``embed``, …"""
    forward_headers: frozenset[str]
    """Lower-case request headers that go on to a provider of the same dialect."""
    trial_header: str
    """The one of them by which a caller switches on features in trial; empty where there is none."""
    needs_output_cap: bool
    """True if a request must bound its answer, whether or not its caller cares."""
    header_defaults: Mapping[str, str]
    """Lower-case request headers that every provider of this dialect needs, for a caller who sent none of that name."""
    conversation: frozenset[str]
    """Top-level members of a request that hold what is said to the model, and what it is told of its tools: all that a
    caller may want to keep back when showing how the model was called.
    """

    def peek(self, body: bytes, depth_max: int) -> Peek:
        """Check a request body and outline it. Raises RequestError naming the field."""
        ...

    def check_headers(self, headers: Mapping[str, str], body: bytes, peek: Peek) -> None:
        """Refuse what the request's own `forward_headers`, an API version for one, rule out. Raises RequestError."""
        ...

    def edit(self, body: bytes, peek: Peek, edits: Edits) -> bytes:
        """The body with the named changes made in place; every other byte as it was."""
        ...

    def read_request(self, body: bytes) -> Request:
        """The whole request as a value. Raises RequestError naming the field."""
        ...

    def write_request(self, request: Any) -> Written:
        """A request in this dialect. Raises UnsupportedParameter for what changes meaning and cannot be carried."""
        ...

    def read_response(self, body: bytes) -> Response:
        """A whole answer as a value. Raises InvalidAnswer."""
        ...

    def write_response(self, response: Any, asked: bytes = b"") -> bytes:
        """A whole answer in this dialect. `asked` is the request, in this dialect and checked, for what answers repeat
        of it, or what it says of how they are to be written.
        """
        ...

    def read_error(self, status: int, body: bytes, retry_after: str | None) -> TallygateError:
        """What a provider's error answer means here: ProviderRejected if the caller is at fault, else UpstreamError."""
        ...

    def write_error(self, error: TallygateError, request_id: str) -> Rendered:
        """An error as this dialect's clients expect it."""
        ...


class Streaming(Dialect, Protocol):
    """A dialect in which a call may ask for its answer as a stream. The events are those of a chat."""

    stream_content_type: str
    ping: bytes
    """A whole piece of a stream that says nothing but that we are still there."""

    def read_request(self, body: bytes) -> ChatRequest:
        """As in `Dialect`."""
        ...

    def read_response(self, body: bytes) -> ChatResponse:
        """As in `Dialect`."""
        ...

    def reader(self) -> StreamReader:
        """A reader for one stream."""
        ...

    def writer(self, *, include_usage: bool, asked: bytes = b"") -> StreamWriter:
        """A writer for one stream. `include_usage`: the client wants usage where this dialect makes that a choice;
        `asked`: as for `write_response`.
        """
        ...

    def tell_cost(self, closing: bytes, cost_usd: str) -> bytes:
        """The end of a stream with the call's cost, decimal text, beside its usage; unchanged where this wire has no
        room for it.
        """
        ...

    def tell_receipt(self, closing: bytes, receipt_id: str) -> bytes:
        """The end of a stream with the receipt's id in a comment before its terminator; unchanged where nothing may
        stand there.
        """
        ...


class Fitting(Protocol):
    """What a dialect offers besides if its providers may answer in another form than was asked for."""

    def fit(self, body: bytes, response: Any, asked: bytes) -> bytes:
        """A provider's whole answer, `response` as a value, in the form that `asked` asks for; as it came, wherever it
        has that form. Raises InvalidAnswer if it cannot have it.
        """
        ...


class Enveloping(Protocol):
    """What a dialect offers besides if its answers tell of themselves, beside what was asked for."""

    def tell_meta(self, closing: bytes, facts: Mapping[str, str], *, stream: bool) -> bytes:
        """A whole answer, or the end of a stream, with what is known of it once it is priced."""
        ...


class Accountable(Protocol):
    """What a dialect offers besides if its answers tell what they are charged for, and what that costs."""

    def tell_reckoning(self, closing: bytes, reckoning: Reckoning, *, stream: bool) -> bytes:
        """A whole answer, or the end of a stream, with what it came to."""
        ...


class Naming(Protocol):
    """What a dialect offers besides if its answers bear an id made of the call's, by which they can be asked for."""

    id_header: str
    """The lower-case header that has the id."""

    def name_answer(self, call_id: str) -> str:
        """The id of the answer to a call."""
        ...

    def fail(self, error: TallygateError, head: Started, request_id: str) -> bytes:
        """The end of a stream that broke, under the same `head` as all of it."""
        ...


class Recounting(Protocol):
    """What a dialect offers besides if an answer may tell how it came about, for calls whose `Peek.tells_run`."""

    def tell_course(self, closing: bytes, reckoning: Reckoning, course: Course, *, asked: bytes, stream: bool) -> bytes:
        """A whole answer, or the end of a stream, with who served it, how fast, and under which policy. `asked` is the
        request.
        """
        ...


class Passported(Protocol):
    """What a dialect offers besides if its heads and its errors name the call, its model and who serves it."""

    def passport_headers(self, request_model: str, target: Target) -> tuple[tuple[str, str], ...]:
        """Lower-case headers with the name that was called and the target."""
        ...

    def write_failure(self, error: TallygateError, call_id: str, request_id: str) -> Rendered:
        """The error of a call that was sent to a provider, under its own id."""
        ...


class Counting(Protocol):
    """What a dialect offers besides if its wire can ask how many tokens a request has, without an answer."""

    count_suffix: str
    """What follows the path of a call in the path of a question how many tokens it has."""

    def peek_count(self, body: bytes, depth_max: int) -> Peek:
        """As `Dialect.peek`, for a request to count."""
        ...

    def read_request(self, body: bytes) -> ChatRequest:
        """As in `Dialect`: what a count is asked of is a chat."""
        ...

    def read_count(self, body: bytes) -> int:
        """A provider's count of input tokens. Raises InvalidAnswer."""
        ...

    def write_count(self, input_tokens: int) -> bytes:
        """A count as this wire tells it."""
        ...
