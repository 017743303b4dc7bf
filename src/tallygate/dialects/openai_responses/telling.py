"""The items of a streamed answer while they are told: which events open, fill and close each.

A message and a thought are told one at a time; calls may stand open beside each other, because other dialects send what
they are called with by turns. Source: developers.openai.com/api/reference/responses (streaming events).
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct, structs

from tallygate.dialects.openai_responses.content import Manner
from tallygate.dialects.openai_responses.items import CALL_TYPES, continues_message, write_item
from tallygate.genai import stream
from tallygate.genai.assemble import merge
from tallygate.genai.messages import Extra, Opaque, Part, Reasoning, Refusal, Text, ToolCall

EventBody = dict[str, Any]
"""An event without its number."""

_ARGUMENTS: Final = {"function": "response.function_call_arguments", "custom": "response.custom_tool_call_input"}


class _Item(Struct):
    """One open item: its place in the output, and what it holds so far. A call's text is kept in pieces."""

    index: int
    id: str
    parts: list[Part]
    number: int = 0
    pieces: list[str] = []


class Telling:
    """Events of ours to the events of items. Raises what `manner.refuse` makes for what has no place in an answer."""

    def __init__(self, manner: Manner) -> None:
        self._manner = manner
        self._output: list[dict[str, Any]] = []
        self._single: _Item | None = None  # the open message or thought
        self._calls: dict[int, _Item] = {}

    @property
    def output(self) -> list[dict[str, Any]]:
        """The items so far, whole ones as they were told."""
        return self._output

    def say(self, event: stream.TextDelta) -> list[EventBody]:
        """More text of a message. Another dialect's empty one says nothing."""
        if not event.text and not self._manner.same:
            return []
        part = Text(event.text, event.extra)
        open_ = self._single
        if open_ is not None and open_.number == event.part and isinstance(before := open_.parts[-1], Text):
            open_.parts[-1] = Text(before.text + event.text, merge(before.extra, event.extra))
            return self._delta_text(open_, event.text)
        events, item = self._enter_message(part)
        item.number = event.part
        return [
            *events,
            self._about(item, "response.content_part.added", part=_empty(part)),
            *self._delta_text(item, event.text),
        ]

    def decline(self, event: stream.RefusalDelta) -> list[EventBody]:
        """More words of a refusal."""
        open_ = self._single
        if open_ is not None and isinstance(before := open_.parts[-1], Refusal):
            open_.parts[-1] = structs.replace(before, text=before.text + event.text)
            return [self._about(open_, "response.refusal.delta", delta=event.text)]
        part = Refusal(event.text)
        events, item = self._enter_message(part)
        added = self._about(item, "response.content_part.added", part=_empty(part))
        return [*events, added, self._about(item, "response.refusal.delta", delta=event.text)]

    def _enter_message(self, part: Text | Refusal) -> tuple[list[EventBody], _Item]:
        """The message that `part` belongs to, with the events that end what was open before it."""
        open_ = self._single
        if open_ is not None and continues_message(open_.parts[-1], part):
            events = self._end_part(open_)
            open_.parts.append(part)
            return events, open_
        return self._begin([part])

    def think(self, event: stream.ReasoningDelta) -> list[EventBody]:
        """More of a thought."""
        extra = event.extra if self._manner.same else {}
        open_ = self._single
        if open_ is not None and isinstance(before := open_.parts[0], Reasoning) and open_.number == event.part:
            open_.parts[0] = Reasoning(
                before.text + event.text,
                event.signature or before.signature,
                before.encrypted if event.encrypted is None else event.encrypted,
                merge(before.extra, extra),
            )
            return self._delta_thought(open_, event.text, begins=not before.text)
        events, item = self._begin([Reasoning(event.text, event.signature, event.encrypted, extra)])
        item.number = event.part
        return events + self._delta_thought(item, event.text, begins=True)

    def begin_call(self, event: stream.ToolCallStarted) -> list[EventBody]:
        """A call. Those before it that are whole are done; others may still grow."""
        ended = [*self._close_single(), *self._close_calls(only_whole=True)]
        kind = "custom" if event.kind == "custom" else "function"
        events, item = self._begin([ToolCall(event.id, event.name, "", kind, event.extra)])
        self._single = None
        self._calls[event.index] = item
        return ended + events

    def call_with(self, event: stream.ToolArgumentsDelta) -> list[EventBody]:
        """More of what a call is called with."""
        item = self._calls.get(event.index)
        if item is None:
            raise self._manner.refuse("", "It goes on with a tool call that was complete.")
        item.pieces.append(event.text)
        return [self._of_call(item, "delta", delta=event.text)]

    def show(self, event: stream.OpaqueSeen) -> list[EventBody]:
        """An item that only this wire knows."""
        events, _ = self._begin([Opaque(event.kind, event.extra)])
        return events + self._close_single()

    def close(self) -> list[EventBody]:
        """The ends of all that is open."""
        return [*self._close_single(), *self._close_calls()]

    def _begin(self, parts: Sequence[Part]) -> tuple[list[EventBody], _Item]:
        """A new item that holds `parts`, after the end of the one before it."""
        events = self._close_single()
        index = len(self._output)
        whole = write_item(parts, index, "output", self._manner)
        item = self._single = _Item(index, str(whole.get("id", "")), list(parts))
        self._output.append(whole)
        return [*events, {"type": "response.output_item.added", "output_index": index, "item": _hollow(whole)}], item

    def _delta_text(self, item: _Item, text: str) -> list[EventBody]:
        return [self._about(item, "response.output_text.delta", delta=text, logprobs=[])] if text else []

    def _delta_thought(self, item: _Item, text: str, *, begins: bool) -> list[EventBody]:
        """A thought is told as one paragraph of a summary; one that has more is told with its end."""
        thought = item.parts[0]
        if not text or "summary" in thought.extra or "content" in thought.extra:
            return []
        part = {"type": "summary_text", "text": ""}
        added = self._of_thought(item, "part.added", part=part)
        return [*([added] if begins else []), self._of_thought(item, "text.delta", delta=text)]

    def _close_single(self) -> list[EventBody]:
        item, self._single = self._single, None
        if item is None:
            return []
        first = item.parts[0]
        events = self._end_thought(item, first) if isinstance(first, Reasoning) else []
        if isinstance(first, Text | Refusal):
            events = self._end_part(item)
        return [*events, self._done(item)]

    def _end_thought(self, item: _Item, thought: Reasoning) -> list[EventBody]:
        if not thought.text or "summary" in thought.extra or "content" in thought.extra:
            return []
        part = {"type": "summary_text", "text": thought.text}
        return [self._of_thought(item, "text.done", text=thought.text), self._of_thought(item, "part.done", part=part)]

    def _end_part(self, item: _Item) -> list[EventBody]:
        """The end of the last part of a message."""
        part = item.parts[-1]
        whole = write_item(item.parts, item.index, "output", self._manner)["content"][-1]
        done = self._about(item, "response.content_part.done", part=whole)
        if isinstance(part, Refusal):
            return [self._about(item, "response.refusal.done", refusal=part.text), done]
        notes = [
            self._about(item, "response.output_text.annotation.added", annotation=note, annotation_index=index)
            for index, note in enumerate(whole["annotations"])
        ]
        text = self._about(item, "response.output_text.done", text=whole["text"], logprobs=whole["logprobs"])
        return [*notes, text, done]

    def _close_calls(self, *, only_whole: bool = False) -> list[EventBody]:
        events: list[EventBody] = []
        for number, item in list(self._calls.items()):
            text = "".join(item.pieces)
            if only_whole and not _is_object(text):
                continue
            del self._calls[number]
            call = item.parts[0]
            assert isinstance(call, ToolCall), "calls only are opened here"
            item.parts[0] = structs.replace(call, arguments=text)
            argument = CALL_TYPES[call.kind][1]
            name = {"name": self._output[item.index]["name"]} if call.kind == "function" else {}
            events += [self._of_call(item, "done", **{argument: text}, **name), self._done(item)]
        return events

    def _done(self, item: _Item) -> EventBody:
        whole = self._output[item.index] = write_item(item.parts, item.index, "output", self._manner)
        return {"type": "response.output_item.done", "output_index": item.index, "item": whole}

    def _about(self, item: _Item, kind: str, **members: Any) -> EventBody:
        place = {"item_id": item.id, "output_index": item.index, "content_index": len(item.parts) - 1}
        return {"type": kind, **place, **members}

    def _of_thought(self, item: _Item, what: str, **members: Any) -> EventBody:
        place = {"item_id": item.id, "output_index": item.index, "summary_index": 0}
        return {"type": f"response.reasoning_summary_{what}", **place, **members}

    def _of_call(self, item: _Item, what: str, **members: Any) -> EventBody:
        call = item.parts[0]
        assert isinstance(call, ToolCall), "calls only are opened here"
        place = {"item_id": item.id, "output_index": item.index}
        return {"type": f"{_ARGUMENTS[call.kind]}.{what}", **place, **members}


def _empty(part: Text | Refusal) -> dict[str, Any]:
    """A part of a message before anything is said."""
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": ""}
    return {"type": "output_text", "text": "", "annotations": [], "logprobs": []}


_FILLED: Final[Extra] = {"content": [], "summary": [], "arguments": "", "input": "", "status": "in_progress"}


def _hollow(item: dict[str, Any]) -> dict[str, Any]:
    """A whole item as it is when it begins."""
    known = item["type"] in _HOLLOW
    return {
        name: _FILLED[name] if known and name in _FILLED else value
        for name, value in item.items()
        if not known or name != "encrypted_content"
    }


_HOLLOW: Final = frozenset({"message", "reasoning", *(name for name, _, _ in CALL_TYPES.values())})


def _is_object(text: str) -> bool:
    """True if what a call is called with is one JSON object. Looked at closely only if it ends like one."""
    if not text.rstrip().endswith("}"):
        return False
    try:
        return isinstance(msgspec.json.decode(text), dict)
    except (msgspec.DecodeError, RecursionError):
        return False
