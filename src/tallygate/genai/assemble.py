"""From the events of a stream to the whole answer they add up to.

Pure, and the same for every dialect: it is the right side of the law "stream equals whole", and what gives a caller
who did not ask for a stream an answer from a provider that only streams.
"""

from collections.abc import Iterable
from typing import Any

from msgspec import structs

from tallygate.genai import stream
from tallygate.genai.chat import ChatResponse, Choice
from tallygate.genai.messages import Extra, Opaque, Part, Reasoning, Refusal, Text, ToolCall
from tallygate.genai.usage import Usage


class _Draft:
    """One choice while its deltas arrive. Neighbouring deltas of text join; thoughts and calls go by their index."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.text_part: int | None = None
        self.tool_at: dict[int, int] = {}
        self.thought_at: dict[int, int] = {}
        self.logprobs: Any = None
        self.finished: stream.Finished | None = None
        self.extra: Extra = {}

    def add_text(self, delta: stream.TextDelta) -> None:
        last = self.parts[-1] if self.parts else None
        if isinstance(last, Text) and self.text_part == delta.part:
            self.parts[-1] = Text(last.text + delta.text, extra=merge(last.extra, delta.extra))
        else:
            self.parts.append(Text(delta.text, extra=delta.extra))
        self.text_part = delta.part

    def add_refusal(self, text: str) -> None:
        last = self.parts[-1] if self.parts else None
        if isinstance(last, Refusal):
            self.parts[-1] = structs.replace(last, text=last.text + text)
        else:
            self.parts.append(Refusal(text))

    def add_reasoning(self, delta: stream.ReasoningDelta) -> None:
        at = self.thought_at.setdefault(delta.part, len(self.parts))
        if at == len(self.parts):
            self.parts.append(Reasoning())
        thought = self.parts[at]
        if isinstance(thought, Reasoning):
            self.parts[at] = Reasoning(
                text=thought.text + delta.text,
                signature=delta.signature or thought.signature,
                encrypted=delta.encrypted or thought.encrypted,
                extra=merge(thought.extra, delta.extra),
            )

    def open_tool(self, event: stream.ToolCallStarted) -> None:
        self.tool_at[event.index] = len(self.parts)
        kind = "custom" if event.kind == "custom" else "function"
        self.parts.append(ToolCall(id=event.id, name=event.name, kind=kind, extra=event.extra))

    def add_arguments(self, event: stream.ToolArgumentsDelta) -> None:
        at = self.tool_at.get(event.index)
        call = self.parts[at] if at is not None else None
        if at is not None and isinstance(call, ToolCall):
            self.parts[at] = structs.replace(call, arguments=call.arguments + event.text)

    def choice(self, index: int) -> Choice:
        end = self.finished
        return Choice(
            index=index,
            parts=tuple(self.parts),
            finish_reason=end.reason if end else None,
            stop_sequence=end.stop_sequence if end else None,
            logprobs=self.logprobs,
            extra=merge(self.extra, end.extra) if end else self.extra,
        )


def assemble(events: Iterable[stream.Event]) -> ChatResponse:
    """The whole answer of a finished or broken stream.

    Raises: the error of the first `Failed` event; a caller that wants the partial answer leaves that event out.
    """
    head = stream.Started(id="", model="")
    drafts: dict[int, _Draft] = {}
    usage: Usage | None = None
    counted: Extra = {}
    late: Extra = {}
    for event in events:
        match event:
            case stream.Started():
                head = event
            case stream.UsageSeen():
                usage, counted = event.usage, event.extra
            case stream.Ended():
                late = event.extra
            case stream.Failed():
                raise event.error
            case stream.Ping():
                pass
            case _:
                _add(drafts.setdefault(event.choice, _Draft()), event)
    return ChatResponse(
        id=head.id,
        model=head.model,
        created_s=head.created_s,
        choices=tuple(drafts[index].choice(index) for index in sorted(drafts)),
        usage=usage,
        service_tier=head.service_tier,
        dialect=head.dialect,
        extra={**head.extra, **counted, **late},
    )


def _add(draft: _Draft, event: stream.Event) -> None:
    match event:
        case stream.TextDelta():
            draft.add_text(event)
        case stream.ReasoningDelta():
            draft.add_reasoning(event)
        case stream.RefusalDelta():
            draft.add_refusal(event.text)
        case stream.ToolCallStarted():
            draft.open_tool(event)
        case stream.ToolArgumentsDelta():
            draft.add_arguments(event)
        case stream.OpaqueSeen():
            draft.parts.append(Opaque(event.kind, extra=event.extra))
        case stream.ExtraDelta():
            draft.extra = merge(draft.extra, event.extra)
        case stream.LogprobsDelta():
            draft.logprobs = merge({"": draft.logprobs}, {"": event.logprobs})[""]
        case stream.Finished():
            draft.finished = event
        case _:
            pass


def merge(old: Extra, new: Extra) -> Extra:
    """Join two fragments of unnamed fields: strings and lists append, objects merge, anything else is replaced."""
    if not old:
        return new
    joined = dict(old)
    for key, value in new.items():
        before = joined.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            joined[key] = merge(before, value)  # pyright: ignore[reportUnknownArgumentType]
        elif isinstance(before, list) and isinstance(value, list):
            joined[key] = [*before, *value]
        elif isinstance(before, str) and isinstance(value, str):
            joined[key] = before + value
        else:
            joined[key] = value
    return joined
