"""Events to a stream of this surface: OpenAI's chunks without an envelope, each with a choice, `[DONE]` always last.

The reason for the end and the usage wait for each other and go into one last chunk, which has room for `meta`: so
everybody may look at `choices[0]` of every chunk. A failure is an `event: error`, and `[DONE]` follows even then.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec.structs import replace

from tallygate.dialects.openai_chat.reader import TERMINATOR
from tallygate.dialects.openai_chat.writer import ChatWriter
from tallygate.dialects.openai_completions.text_form import to_text
from tallygate.dialects.sse import encode
from tallygate.dialects.unified.enclosure import leave_out_price
from tallygate.dialects.unified.errors import error_object
from tallygate.dialects.unified.names import CARRIED, GENERATE, OURS
from tallygate.errors import TallygateError
from tallygate.genai import stream


class UnifiedWriter:
    """Writes one stream."""

    def __init__(self, dialect: str) -> None:
        self._is_text = dialect == GENERATE
        self._chat = ChatWriter(include_usage=True)
        self._head = stream.Started(id="", model="")
        self._finished: list[stream.Finished] = []

    def feed(self, event: stream.Event) -> bytes:
        """The bytes for one event; empty for what is told at the end, and for signs of life."""
        match event:
            case stream.Started():
                self._head = event
                return self._chat.feed(replace(event, dialect=CARRIED) if event.dialect in OURS else event)
            case stream.Finished():
                self._finished.append(event)
                return b""
            case stream.UsageSeen():
                return self._chat.feed(replace(event, extra=leave_out_price(event.extra)))
            case stream.Failed():
                return self.fail(event.error)
            case stream.Ended():
                return self._write(self._close(event)) + TERMINATOR
            case _:
                written = self._chat.feed(event)
                return b"".join(map(self._write, _open(written))) if self._is_text else written

    def fail(self, error: TallygateError, request_id: str = "") -> bytes:
        """One event with the error, and the terminator."""
        named = {"request_id": request_id} if request_id else {}
        return encode(msgspec.json.encode({**error_object(error), **named}), b"error") + TERMINATOR

    def _close(self, event: stream.Ended) -> dict[str, Any]:
        """The one chunk that the last ones come to; where there is none, one that says nothing but who answered."""
        last = [chunk for said in (*self._finished, event) for chunk in _open(self._chat.feed(said))]
        silent: dict[str, Any] = {"index": 0, "delta": {}, "finish_reason": None}
        head = self._head
        closing: dict[str, Any] = {
            "id": head.id,
            "object": "chat.completion.chunk",
            "created": head.created_s,
            "model": head.model,
        }
        for chunk in last:
            closing.update(chunk)
        closing["choices"] = [choice for chunk in last for choice in chunk["choices"]] or [silent]
        return closing

    def _write(self, chunk: dict[str, Any]) -> bytes:
        return encode(msgspec.json.encode(to_text(chunk) if self._is_text else chunk))


def _open(written: bytes) -> Iterator[dict[str, Any]]:
    """The chunks among frames that were just written: each is one line of data."""
    for frame in written.removesuffix(TERMINATOR).split(b"\n\n"):
        if frame:
            yield msgspec.json.decode(frame.removeprefix(b"data: "))
