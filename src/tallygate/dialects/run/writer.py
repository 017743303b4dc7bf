"""Events to the stream of a run (docs/reference/run.md): frames with text, frames with what stands beside it, a last
frame with text, a summary, `[DONE]`.

The reason for the end and the usage wait for each other: the last frame, the summary and the terminator go together.
An error is one frame of its own, and nothing follows it.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec.structs import replace

from tallygate.dialects.openai_chat.reader import TERMINATOR
from tallygate.dialects.openai_chat.writer import ChatWriter
from tallygate.dialects.run.errors import name_error
from tallygate.dialects.run.form import REPORTED, count, say_message, say_reported
from tallygate.dialects.run.names import CARRIED, NAME
from tallygate.dialects.run.response import repeat
from tallygate.dialects.sse import encode
from tallygate.dialects.unified.response import leave_out_price
from tallygate.errors import InvalidAnswer, TallygateError
from tallygate.genai import stream


class RunWriter:
    """Writes one stream. `asked` is its request."""

    def __init__(self, asked: bytes = b"") -> None:
        self._chat = ChatWriter(include_usage=True)
        self._repeated = repeat(asked)
        self._run_id = ""
        self._texts = 0
        self._begun = False
        self._finished: stream.Finished | None = None

    def feed(self, event: stream.Event) -> bytes:
        """The bytes for one event; empty for what is told at the end, and for signs of life."""
        match event:
            case stream.Started():
                self._run_id = event.id
                return self._chat.feed(replace(event, dialect=CARRIED) if event.dialect == NAME else event)
            case stream.Finished(choice=0):
                self._finished = event
                return b""
            case stream.UsageSeen():
                return self._chat.feed(replace(event, extra=leave_out_price(event.extra)))
            case stream.Failed():
                return self.fail(event.error)
            case stream.Ended():
                return b"".join(map(_encode, self._close(event))) + TERMINATOR
            case _:
                return b"".join(_encode(frame) for chunk in _open(self._chat.feed(event)) for frame in self._say(chunk))

    def fail(self, error: TallygateError, request_id: str = "") -> bytes:
        """One frame with the error, and nothing after it."""
        named = {"request_id": request_id} if request_id else {}
        return _encode({"error": error.message, "error_code": name_error(error), **named})

    def _say(self, chunk: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The frames that one chunk comes to."""
        for choice in chunk["choices"]:
            if choice["index"]:
                raise InvalidAnswer("The provider gave several answers where one was asked for.")
            delta = choice["delta"]
            if beside := say_message(delta):
                yield {"run_id": self._run_id, **beside, **self._introduce(chunk)}
            if delta.get("content"):
                yield self._write_text(delta["content"], chunk)

    def _write_text(self, text: str, chunk: dict[str, Any], *, last: bool = False) -> dict[str, Any]:
        self._texts += 1
        frame: dict[str, Any] = {"run_id": self._run_id, "text": text, "is_first": self._texts == 1, "is_last": last}
        return {**frame, "finish_reason": None, **self._introduce(chunk)}

    def _introduce(self, chunk: dict[str, Any]) -> dict[str, Any]:
        """What the first frame says of the answer as a whole."""
        first, self._begun = not self._begun, True
        return {REPORTED: say_reported(chunk)} if first else {}

    def _close(self, event: stream.Ended) -> Iterator[dict[str, Any]]:
        """The last frame with text, which has none, and the summary."""
        finished = [] if self._finished is None else list(_open(self._chat.feed(self._finished)))
        ended = list(_open(self._chat.feed(event)))
        nothing: dict[str, Any] = {}
        chunk = next(iter((*finished, *ended)), nothing)
        reason = finished[0]["choices"][0]["finish_reason"] if finished else None
        yield {**self._write_text("", chunk, last=True), "finish_reason": reason}
        usage = next((chunk["usage"] for chunk in ended if "usage" in chunk), None)
        counted = {} if usage is None else {**count(usage), REPORTED: {"usage": usage}}
        yield {"run_id": self._run_id, "done": True, **counted, **self._repeated}


def _encode(frame: dict[str, Any]) -> bytes:
    return encode(msgspec.json.encode(frame))


def _open(written: bytes) -> Iterator[dict[str, Any]]:
    """The chunks among frames that were just written: each is one line of data."""
    for frame in written.removesuffix(TERMINATOR).split(b"\n\n"):
        if frame:
            yield msgspec.json.decode(frame.removeprefix(b"data: "))
