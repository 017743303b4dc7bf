"""Events to a stream of this wire: OpenAI's chunks, the ends and thoughts named as here, and one last chunk with usage
always, its `choices` empty (openrouter.ai/docs/api-reference/streaming).

A failure is a chunk too: with an `error`, and a choice that ends for that reason. No terminator follows it.
"""

from typing import Any

import msgspec

from tallygate.dialects.openai_chat.reader import TERMINATOR
from tallygate.dialects.openai_chat.writer import ChatWriter
from tallygate.dialects.openrouter.errors import error_object
from tallygate.dialects.openrouter.names import CARRIED
from tallygate.dialects.openrouter.response import rename_thoughts, tell_end
from tallygate.dialects.openrouter.telling import leave_out_price
from tallygate.dialects.sse import encode
from tallygate.errors import TallygateError
from tallygate.genai import stream


class OpenRouterWriter:
    """Writes one stream."""

    def __init__(self) -> None:
        self._chat = ChatWriter(include_usage=True)
        self._head = stream.Started(id="", model="")

    def feed(self, event: stream.Event) -> bytes:
        """The bytes for one event; empty for what is told at the end, and for signs of life."""
        match event:
            case stream.TextDelta():  # nearly all are
                return self._chat.feed(event)
            case stream.Started():
                self._head = event
                return self._chat.feed(event)
            case stream.UsageSeen():
                return self._chat.feed(msgspec.structs.replace(event, extra=leave_out_price(event.extra)))
            case stream.ReasoningDelta():
                return self._think(event)
            case stream.Finished():
                return self._finish(event)
            case stream.Failed():
                return self.fail(event.error)
            case stream.Ended():
                written = self._chat.feed(event)
                return self._write({**self._chunk(), "choices": []}) + written if written == TERMINATOR else written
            case _:
                return self._chat.feed(event)

    def fail(self, error: TallygateError, request_id: str = "") -> bytes:
        """One chunk with the error."""
        last = {"index": 0, "delta": {"content": ""}, "finish_reason": "error", "native_finish_reason": None}
        return self._write({"error": error_object(error, request_id), **self._chunk(), "choices": [last]})

    def _think(self, event: stream.ReasoningDelta) -> bytes:
        chunk = _open(self._chat.feed(event))
        for choice in chunk["choices"]:
            choice["delta"] = rename_thoughts(choice["delta"])
        return self._write(chunk)

    def _finish(self, event: stream.Finished) -> bytes:
        chunk = _open(self._chat.feed(event))
        for choice in chunk["choices"]:
            choice.update(tell_end(choice, event.reason, same=self._head.dialect == CARRIED))
        return self._write(chunk)

    def _chunk(self) -> dict[str, Any]:
        head = self._head
        return {"id": head.id, "object": "chat.completion.chunk", "created": head.created_s, "model": head.model}

    def _write(self, chunk: dict[str, Any]) -> bytes:
        return encode(msgspec.json.encode(chunk))


def _open(written: bytes) -> dict[str, Any]:
    """The chunk in the frame that was just written: one line of data."""
    return msgspec.json.decode(written.removeprefix(b"data: "))
