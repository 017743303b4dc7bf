"""Events to a streamed answer of this wire (platform.claude.com/docs/en/build-with-claude/streaming).

Clients of this wire are strict: every event has its name, a block is opened, filled and closed before the next, and an
answer that ended says so once, with its usage. What a client takes for the end is written at the end only.
"""

from typing import Any, Final, cast

import msgspec
from msgspec import Struct

from tallygate.dialects.anthropic_messages.errors import error_object
from tallygate.dialects.anthropic_messages.harmless import NAME
from tallygate.dialects.anthropic_messages.parts import call_block, read_arguments, thinking_block
from tallygate.dialects.anthropic_messages.response import name_end
from tallygate.dialects.anthropic_messages.usage import write_tier, write_usage
from tallygate.dialects.fields import overlay
from tallygate.dialects.sse import encode
from tallygate.errors import InvalidAnswer, ProviderFailed, TallygateError
from tallygate.genai import stream
from tallygate.genai.messages import Extra

# Members of the answer that come with its end and stand inside the event's `delta`; others stand beside it.
_IN_DELTA: Final = ("stop_details", "container")


class _Call(Struct):
    """One tool call: its beginning, and what has come of its arguments."""

    started: stream.ToolCallStarted
    text: str = ""


class MessagesWriter:
    """Writes one stream of one answer; other choices of the same call have no place on this wire."""

    def __init__(self) -> None:
        self._started = False
        self._same = False
        self._blocks = 0
        self._open: tuple[str, int] | None = None
        self._call: _Call | None = None
        self._waiting: dict[int, _Call] = {}
        self._refused = False
        self._usage: stream.UsageSeen | None = None
        self._end: stream.Finished | None = None

    def feed(self, event: stream.Event) -> bytes:
        """The bytes for one event; empty for what is told at the end (why it ended, usage).

        Raises InvalidAnswer for what has no place in an answer of this wire.
        """
        match event:
            case stream.Started():
                return self._start(event)
            case stream.UsageSeen():
                self._usage = event
                return b""
            case stream.Ping():
                # Nothing comes before message_start.
                return _frame({"type": "ping"}) if self._started else b""
            case stream.Failed():
                return self.fail(event.error)
            case stream.Ended():
                return self._finish(event)
            case _:
                return self._write(event) if event.choice == 0 else b""

    def fail(self, error: TallygateError, request_id: str = "") -> bytes:
        """One `error` event, with nothing after it."""
        return _frame({**error_object(error), **({"request_id": request_id} if request_id else {})})

    def _start(self, event: stream.Started) -> bytes:
        self._started = True
        self._same = event.dialect == NAME
        usage = write_usage(None)
        if tier := write_tier(event.service_tier, same=self._same):
            usage["service_tier"] = tier
        message: dict[str, Any] = {
            "id": event.id,
            "type": "message",
            "role": "assistant",
            "model": event.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage,
        }
        if self._same:
            overlay(message, event.extra)
        return _frame({"type": "message_start", "message": message})

    def _write(self, event: Any) -> bytes:
        match event:
            case stream.ToolCallStarted():
                return self._begin_call(event)
            case stream.ToolArgumentsDelta():
                return self._add_arguments(event)
            case stream.TextDelta():
                return self._add_text(event)
            case stream.RefusalDelta():
                self._refused = True
                return self._enter("refusal", 0, {"type": "text", "text": ""}) + self._delta_text(event.text)
            case stream.ReasoningDelta():
                return self._add_thought(event)
            case stream.OpaqueSeen():
                return self._add_opaque(event)
            case stream.Finished():
                self._end = event
                return self._close_calls()
            case _:
                return b""

    def _enter(self, kind: str, part: int, block: dict[str, Any]) -> bytes:
        """The bytes that make the block of this part the open one; none if it is."""
        if self._open == (kind, part):
            return b""
        before = self._close_calls() + self._close()
        self._open = (kind, part)
        return before + _frame({"type": "content_block_start", "index": self._blocks, "content_block": block})

    def _close(self) -> bytes:
        if self._open is None:
            return b""
        self._open = self._call = None
        self._blocks += 1
        return _frame({"type": "content_block_stop", "index": self._blocks - 1})

    def _delta(self, delta: dict[str, Any]) -> bytes:
        return _frame({"type": "content_block_delta", "index": self._blocks, "delta": delta})

    def _delta_text(self, text: str) -> bytes:
        return self._delta({"type": "text_delta", "text": text}) if text else b""

    def _add_text(self, event: stream.TextDelta) -> bytes:
        if not event.text and not self._same:
            return b""
        extra = dict(event.extra) if self._same else {}
        given: Any = extra.pop("citations", None)
        citations = cast("list[Any]", given) if isinstance(given, list) else []
        written = self._enter("text", event.part, {"type": "text", "text": "", **extra})
        cited = b"".join(self._delta({"type": "citations_delta", "citation": citation}) for citation in citations)
        return written + cited + self._delta_text(event.text)

    def _add_thought(self, event: stream.ReasoningDelta) -> bytes:
        extra = event.extra if self._same else {}
        if event.encrypted is not None:
            block = overlay(thinking_block("", None, event.encrypted), extra)
            return self._enter("redacted", event.part, block) + self._close()
        if not event.text and not event.signature and not self._same:
            return b""
        written = self._enter("thinking", event.part, overlay(thinking_block("", None, None), extra))
        if event.text:
            written += self._delta({"type": "thinking_delta", "thinking": event.text})
        if event.signature:
            written += self._delta({"type": "signature_delta", "signature": event.signature})
        return written

    def _add_opaque(self, event: stream.OpaqueSeen) -> bytes:
        if not self._same:
            raise InvalidAnswer(f"The provider's answer holds a {event.kind} part, which this interface cannot carry.")
        block: Extra = {"type": event.kind, **event.extra}
        given = block.get("input")
        if not isinstance(given, dict):
            return self._enter("opaque", self._blocks, block) + self._close()
        written = self._enter("opaque", self._blocks, {**block, "input": {}})
        text = msgspec.json.encode(given).decode()
        return written + self._delta({"type": "input_json_delta", "partial_json": text}) + self._close()

    # Other dialects may send the arguments of several calls by turns. A block here is filled before the next is opened,
    # so a call that begins while another's arguments are not whole yet waits for it.

    def _begin_call(self, event: stream.ToolCallStarted) -> bytes:
        if self._call is not None and not _is_whole(self._call.text):
            self._waiting[event.index] = _Call(event)
            return b""
        return self._open_call(_Call(event))

    def _open_call(self, call: _Call) -> bytes:
        event = call.started
        block = call_block(event.id, event.name, {})
        if self._same:
            overlay(block, event.extra)
        before = self._close()
        self._open, self._call = ("call", event.index), call
        written = _frame({"type": "content_block_start", "index": self._blocks, "content_block": block})
        return before + written + self._delta_json(call.text)

    def _delta_json(self, text: str) -> bytes:
        return self._delta({"type": "input_json_delta", "partial_json": text}) if text else b""

    def _add_arguments(self, event: stream.ToolArgumentsDelta) -> bytes:
        call = self._call
        if call is not None and call.started.index == event.index:
            call.text += event.text
            return self._delta_json(event.text) + self._open_next()
        waiting = self._waiting.get(event.index)
        if waiting is None:
            raise InvalidAnswer("The provider's stream goes on with a tool call that was complete.")
        waiting.text += event.text
        return b""

    def _open_next(self) -> bytes:
        """The calls that no longer have to wait."""
        written = b""
        while self._waiting and self._call is not None and _is_whole(self._call.text):
            written += self._open_call(self._waiting.pop(next(iter(self._waiting))))
        return written

    def _close_calls(self) -> bytes:
        """All calls that wait, whole or not: something else comes."""
        written = b""
        while self._waiting:
            written += self._open_call(self._waiting.pop(next(iter(self._waiting))))
        return written

    def _finish(self, event: stream.Ended) -> bytes:
        end = self._end
        if end is None and not self._same:
            # An answer that ended without a reason has ended all the same.
            end = stream.Finished("stop")
        if end is not None and end.reason == "error":
            return self.fail(ProviderFailed())
        written = self._close_calls() + self._close()
        usage = write_usage(self._usage.usage if self._usage else None)
        late: Extra = {}
        word: Any = None
        if self._same:
            late, word = event.extra, end.extra.get("stop_reason") if end else None
            overlay(usage, self._usage.extra.get("usage", {}) if self._usage else {})
        sequence = end.stop_sequence if end else None
        delta: dict[str, Any] = {
            "stop_reason": word or name_end(end.reason if end else None, sequence, refused=self._refused),
            "stop_sequence": sequence,
            **{name: value for name, value in late.items() if name in _IN_DELTA},
        }
        beside = {name: value for name, value in late.items() if name not in _IN_DELTA}
        written += _frame({"type": "message_delta", "delta": delta, "usage": usage, **beside})
        return written + _frame({"type": "message_stop"})


def _is_whole(text: str) -> bool:
    """True if the arguments are one JSON object. Looked at closely only if they end like one."""
    return text.rstrip().endswith("}") and read_arguments(text) is not None


def _frame(data: dict[str, Any]) -> bytes:
    return encode(msgspec.json.encode(data), data["type"].encode())
