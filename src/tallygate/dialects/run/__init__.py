"""Runs: a model is named by its passport, a policy says where and how it may be served, and the answer says how it came
about (docs/reference/run.md).

Only clients speak it, no provider does. This file only shows the codec as a `Streaming` dialect; the work is done in
the modules beside it, and for what is said in a run in `openai_chat`.
"""

from tallygate.dialects.base import Rendered, Written
from tallygate.dialects.plain_wire import PlainWire
from tallygate.dialects.run import errors, reader, request, response, telling, writer
from tallygate.dialects.run.names import NAME
from tallygate.errors import TallygateError
from tallygate.genai.chat import ChatRequest, ChatResponse
from tallygate.genai.course import Course
from tallygate.genai.peek import Edits, Peek
from tallygate.genai.plan import Target
from tallygate.genai.reckoning import Reckoning
from tallygate.genai.stream import Started


class Run(PlainWire):
    """The dialect `run`. Stateless; `Streaming`, `Naming`, `Recounting` and `Passported` document its methods."""

    name: str = NAME
    conversation: frozenset[str] = frozenset({"prompt", "messages", "system", "tools"})
    id_header: str = "x-run-id"

    def peek(self, body: bytes, depth_max: int) -> Peek:
        """Check a request body and outline it."""
        return request.peek(body, depth_max)

    def edit(self, body: bytes, peek: Peek, edits: Edits) -> bytes:  # noqa: ARG002 - no provider speaks it
        """The body as it came: every request is written anew for its provider."""
        return body

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

    def reader(self) -> reader.RunReader:
        """A reader for one stream."""
        return reader.RunReader()

    def writer(self, *, include_usage: bool, asked: bytes = b"") -> writer.RunWriter:  # noqa: ARG002
        """A writer for one stream. Usage always comes on this wire."""
        return writer.RunWriter(asked)

    def tell_cost(self, closing: bytes, cost_usd: str) -> bytes:  # noqa: ARG002 - told by tell_course
        """Unchanged: the cost stands in the summary."""
        return closing

    def tell_receipt(self, closing: bytes, receipt_id: str) -> bytes:  # noqa: ARG002 - told by tell_course
        """Unchanged: the receipt's id stands in the summary."""
        return closing

    def tell_course(
        self,
        closing: bytes,
        reckoning: Reckoning,
        course: Course,
        *,
        asked: bytes,  # noqa: ARG002 - its writers have repeated it already
        stream: bool,
    ) -> bytes:
        """A whole answer, or the end of a stream, with how the run went."""
        return telling.tell(closing, reckoning, course, stream=stream)

    def name_answer(self, call_id: str) -> str:
        """The id of the run: the call's own, and so that of its receipt."""
        return call_id

    def fail(self, error: TallygateError, head: Started, request_id: str) -> bytes:  # noqa: ARG002
        """The end of a stream that broke."""
        return writer.RunWriter().fail(error, request_id)

    def passport_headers(self, request_model: str, target: Target) -> tuple[tuple[str, str], ...]:
        """The model that was asked for, and who is to serve it."""
        return ("x-model-passport-id", request_model), ("x-compute-passport-id", str(target))

    def write_failure(self, error: TallygateError, call_id: str, request_id: str) -> Rendered:
        """An error of a run that was sent to somebody."""
        return errors.write_error(error, call_id, request_id)

    def read_error(self, status: int, body: bytes, retry_after: str | None) -> TallygateError:
        """What a gateway's error answer means to us."""
        return errors.read_error(status, body, retry_after)

    def write_error(self, error: TallygateError, request_id: str) -> Rendered:
        """An error as this dialect's clients expect it."""
        return errors.write_error(error, request_id, request_id)


# Methods whose parameters hide the modules of the same names.
_write_request = request.write_request
_write_response = response.write_response

__all__ = ["Run"]
