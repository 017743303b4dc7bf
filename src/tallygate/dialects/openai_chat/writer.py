"""Events to a streamed answer of this wire (platform.openai.com/docs/api-reference/chat/streaming).

What clients were seen to trip over decides the shape: one id, time and model on every chunk, the role once for each
choice, id and name of a tool call once, an integer index always, usage in one last chunk and nowhere else.
"""

from typing import Any

import msgspec

from tallygate.dialects.fields import overlay
from tallygate.dialects.openai_chat.errors import error_object
from tallygate.dialects.openai_chat.finish_reasons import write_finish_reason
from tallygate.dialects.openai_chat.losses import NAME
from tallygate.dialects.openai_chat.reader import TERMINATOR
from tallygate.dialects.openai_chat.reasoning import write_detail
from tallygate.dialects.openai_chat.tools import LEGACY_CALL
from tallygate.dialects.openai_chat.usage import write_usage
from tallygate.dialects.sse import encode
from tallygate.errors import InvalidAnswer, TallygateError
from tallygate.genai import stream
from tallygate.genai.messages import Extra, Reasoning


class _Choice:
    """What has been said of one choice, and under which numbers its thoughts and tool calls go."""

    def __init__(self) -> None:
        self.thoughts: dict[int, int] = {}
        self.calls: dict[int, stream.ToolCallStarted] = {}
        self.numbers: dict[int, int] = {}


class ChatWriter:
    """Writes one stream. `include_usage`: the client asked for the usage chunk."""

    def __init__(self, *, include_usage: bool) -> None:
        self._include_usage = include_usage
        self._head = stream.Started(id="", model="")
        self._same = False
        self._choices: dict[int, _Choice] = {}
        self._usage: stream.UsageSeen | None = None
        self._extra: Extra = {}
        self._begun = False

    def feed(self, event: stream.Event) -> bytes:
        """The bytes for one event; empty for what is only noted (the beginning, usage) and for signs of life."""
        match event:
            case stream.Started():
                self._head = event
                self._same = event.dialect == NAME
                self._extra = dict(event.extra) if self._same else {}
                return b""
            case stream.UsageSeen():
                self._usage = event
                return b""
            case stream.Ping():
                return b""
            case stream.Failed():
                return self.fail(event.error)
            case stream.Ended():
                return self._end(event)
            case stream.OpaqueSeen():
                raise InvalidAnswer(
                    f"The provider's answer holds a {event.kind} part, which this interface cannot carry."
                )
            case _:
                return self._write(event)

    def fail(self, error: TallygateError, request_id: str = "") -> bytes:
        """One event with the error, in the shape of an error body, and no terminator after it."""
        named = {"request_id": request_id} if request_id else {}
        return encode(msgspec.json.encode({"error": error_object(error), **named}))

    def _write(self, event: Any) -> bytes:
        state = self._choices.get(event.choice)
        delta: dict[str, Any] = {}
        if state is None:
            state = self._choices[event.choice] = _Choice()
            delta["role"] = "assistant"
        item: dict[str, Any] = {"index": event.choice, "delta": delta, "finish_reason": None}
        match event:
            case stream.TextDelta():
                delta["content"] = event.text
            case stream.ReasoningDelta():
                self._add_thought(delta, state, event)
            case stream.RefusalDelta():
                delta["refusal"] = event.text
            case stream.ToolCallStarted():
                self._add_call(delta, state, event)
            case stream.ToolArgumentsDelta():
                if event.index not in state.calls:
                    return b""
                _add_arguments(delta, state, event)
            case stream.LogprobsDelta():
                # Another dialect's have another shape.
                item["logprobs"] = event.logprobs if self._same else None
            case stream.ExtraDelta():
                self._add_extra(item, event.extra)
            case stream.Finished():
                word = event.extra.get("finish_reason") if self._same else None
                item["finish_reason"] = word or write_finish_reason(event.reason)
                self._add_extra(item, event.extra)
            case _:
                return b""
        return self._chunk([item])

    def _add_thought(self, delta: dict[str, Any], state: _Choice, event: stream.ReasoningDelta) -> None:
        # Whether a signature will come is not known yet, and it counts only beside the text it signs. So the finer form
        # always goes along with the plain one.
        if event.text:
            delta["reasoning_content"] = event.text
        number = state.thoughts.setdefault(event.part, len(state.thoughts))
        thought = Reasoning(event.text, event.signature, event.encrypted)
        delta["reasoning_details"] = [write_detail(thought, number, event.extra if self._same else {})]

    def _add_call(self, delta: dict[str, Any], state: _Choice, event: stream.ToolCallStarted) -> None:
        extra = event.extra if self._same else {}
        state.calls[event.index] = event
        if self._is_legacy(event):
            delta[LEGACY_CALL] = overlay({"name": event.name, "arguments": ""}, extra[LEGACY_CALL])
            return
        number = state.numbers[event.index] = len(state.numbers)
        kind = "custom" if event.kind == "custom" else "function"
        inner = {"name": event.name, "input" if kind == "custom" else "arguments": ""}
        known = {"index": number, "id": event.id, "type": kind, kind: inner}
        delta["tool_calls"] = [overlay(known, extra)]

    def _is_legacy(self, event: stream.ToolCallStarted) -> bool:
        return self._same and LEGACY_CALL in event.extra

    def _add_extra(self, item: dict[str, Any], extra: Extra) -> None:
        if self._same and extra:
            overlay(item, {name: value for name, value in extra.items() if name != "message"})
            overlay(item["delta"], extra.get("message", {}))

    def _chunk(self, choices: list[dict[str, Any]], late: Extra | None = None) -> bytes:
        """One chunk. The answer's own unnamed members go with the first, all but those of `usage`, which comes last."""
        head = self._head
        chunk: dict[str, Any] = {
            "id": head.id,
            "object": "chat.completion.chunk",
            "created": head.created_s,
            "model": head.model,
            "choices": choices,
        }
        if head.service_tier is not None:
            chunk["service_tier"] = head.service_tier
        if not self._begun:
            self._begun = True
            overlay(chunk, {name: value for name, value in self._extra.items() if name != "usage"})
        return encode(msgspec.json.encode(overlay(chunk, late or {})))

    def _end(self, event: stream.Ended) -> bytes:
        late = event.extra if self._same else {}
        if self._include_usage and self._usage is not None:
            usage: dict[str, Any] = {"usage": write_usage(self._usage.usage)}
            if self._same:
                overlay(usage, {**self._extra, **self._usage.extra})
            return self._chunk([], {**late, "usage": usage["usage"]}) + TERMINATOR
        if late or not self._begun:
            return self._chunk([], late) + TERMINATOR
        return TERMINATOR


def _add_arguments(delta: dict[str, Any], state: _Choice, event: stream.ToolArgumentsDelta) -> None:
    if event.index not in state.numbers:
        delta[LEGACY_CALL] = {"arguments": event.text}
        return
    custom = state.calls[event.index].kind == "custom"
    inner = {"input": event.text} if custom else {"arguments": event.text}
    delta["tool_calls"] = [{"index": state.numbers[event.index], "custom" if custom else "function": inner}]
