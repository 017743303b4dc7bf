"""The items of one streamed answer while they grow: what each event adds.

Text, thoughts and what calls are called with pass on as they come. What an item tells only when it is whole (notes on a
text, the seal of a thought, an item that only this wire knows) is told then, and so is what should have come before and
did not. Source: developers.openai.com/api/reference/responses (streaming events).
"""

from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct

from tallygate.dialects.fields import Fields
from tallygate.dialects.openai_responses.items import CALL_TYPES, ITEM, note_message, read_item, strip_notes
from tallygate.dialects.openai_responses.marks import Place
from tallygate.errors import InvalidAnswer
from tallygate.genai.messages import Extra, Opaque, Part, Reasoning, Refusal, Text, ToolCall
from tallygate.genai.stream import (
    Event,
    OpaqueSeen,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolArgumentsDelta,
    ToolCallStarted,
)

_INDEX_MAX: Final = 2**31
_CALL_ITEMS: Final = frozenset(name for name, _, _ in CALL_TYPES.values())
_BETWEEN: Final = "\n\n"


class _Said(Struct):
    """One part of a message so far. `number` is its place among all of the answer; `told`: nothing more will come."""

    number: int
    text: str = ""
    told: bool = False


class _Open(Struct):
    """One open item. `number` is that of a call or thought, `text` what came of it, `paragraph` where the last piece
    belonged; `notes` are a message's own, `said` its parts by their place.
    """

    index: int
    kind: str
    begun: bool = False
    number: int = 0
    text: str = ""
    paragraph: tuple[str, int] | None = None
    notes: Extra = {}
    said: dict[int, _Said] = {}


class Growth:
    """Item events of one stream to events of ours. All methods raise InvalidAnswer for what is not this wire's."""

    def __init__(self, answer_id: str) -> None:
        self._answer_id = answer_id
        self._items: dict[int, _Open] = {}
        self._texts = self._thoughts = self._calls = 0
        self._spoke = False  # whether what was told last is of a message
        self.seen = False
        """Whether there was any item."""
        self.shown: list[str] = []
        """The types of the items that only this wire knows."""

    @property
    def called(self) -> bool:
        """Whether there was any call."""
        return self._calls > 0

    def add(self, data: dict[str, Any]) -> Iterator[Event]:
        """`response.output_item.added`."""
        fields = _open(data)
        yield from self._begin(_need_index(fields), fields.take("item"))

    def _begin(self, index: int, raw: Any) -> Iterator[Event]:
        self.seen = True
        fields = _open(raw)
        item = self._items[index] = _Open(index, fields.text("type") or "message")
        if item.kind == "message":
            for name in ("role", "content"):
                fields.take(name)
            marks = self._place(item).read_marks(fields, "msg")
            item.notes = note_message(marks, _without_nulls(fields.rest()))
        elif item.kind == "reasoning":
            item.number, self._thoughts = self._thoughts, self._thoughts + 1
        elif item.kind in _CALL_ITEMS and isinstance(fields.look("name"), str):
            for part in read_item(_open(raw), self._place(item)):
                yield from self._end_part(item, 0, part)

    def grow_call(self, data: dict[str, Any]) -> Iterator[Event]:
        """`response.function_call_arguments.delta`, `response.custom_tool_call_input.delta`."""
        item, _, text = self._find(data)
        if item.begun:
            yield from self._call_with(item, text)

    def grow_text(self, data: dict[str, Any]) -> Iterator[Event]:
        """`response.output_text.delta`."""
        item, place, text = self._find(data)
        said = self._find_said(item, place)
        if text:
            said.text += text
            yield TextDelta(text, 0, said.number, self._take_notes(item))

    def grow_refusal(self, data: dict[str, Any]) -> Iterator[Event]:
        """`response.refusal.delta`."""
        item, place, text = self._find(data)
        yield from self._decline(item, self._find_said(item, place), text)

    def grow_thought(self, data: dict[str, Any]) -> Iterator[Event]:
        """`response.reasoning_summary_text.delta`, `response.reasoning_text.delta`."""
        name = "summary_index" if "summary_index" in data else "content_index"
        item, place, text = self._find(data, name)
        if text:
            between = _BETWEEN if item.text and item.paragraph != (name, place) else ""
            item.paragraph = (name, place)
            item.text += between + text
            self._spoke = False
            yield ReasoningDelta(between + text, 0, item.number)

    def end_part(self, data: dict[str, Any]) -> Iterator[Event]:
        """`response.content_part.done`. The parts of anything but a message are told with its end."""
        item, place, _ = self._find(data)
        if item.kind == "message" and data.get("part") is not None:
            whole = {"content": [data["part"]]}
            for part in read_item(_open(whole), Place()):
                if isinstance(part, Text | Refusal):
                    yield from self._end_part(item, place, part)

    def end(self, data: dict[str, Any]) -> Iterator[Event]:
        """`response.output_item.done`."""
        fields = _open(data)
        yield from self.tell(_need_index(fields), fields.take("item"))

    def tell(self, index: int, raw: Any) -> Iterator[Event]:
        """What is left to tell of the item at `index`, which is whole."""
        if index not in self._items:
            yield from self._begin(index, raw)
        item = self._items.pop(index)
        for place, part in enumerate(read_item(_open(raw), self._place(item))):
            yield from self._end_part(item, place, part)

    def _end_part(self, item: _Open, place: int, part: Part) -> Iterator[Event]:
        match part:
            case Text() | Refusal():
                said = self._find_said(item, place)
                if not said.told:
                    said.told = True
                    yield from self._end_said(item, said, part)
            case ToolCall():
                yield from self._end_call(item, part)
            case Reasoning():
                self._spoke = False
                text, extra = _left(item.text, part.text), _without_nulls(part.extra)
                yield ReasoningDelta(text, 0, item.number, part.signature, part.encrypted, extra)
            case Opaque():
                self._spoke = False
                self.shown.append(part.kind)
                yield OpaqueSeen(part.kind, extra=part.extra)
            case _:
                pass

    def _end_call(self, item: _Open, call: ToolCall) -> Iterator[Event]:
        if not item.begun:
            self._spoke = False
            item.begun = True
            item.number, self._calls = self._calls, self._calls + 1
            yield ToolCallStarted(item.number, call.id, call.name, 0, call.kind, _without_nulls(call.extra))
        yield from self._call_with(item, _left(item.text, call.arguments))

    def _call_with(self, item: _Open, text: str) -> Iterator[Event]:
        item.text += text
        if text:
            yield ToolArgumentsDelta(item.number, text)

    def _end_said(self, item: _Open, said: _Said, whole: Text | Refusal) -> Iterator[Event]:
        """What is left of a part of a message: the rest of its words, and the notes on them."""
        left, silent = _left(said.text, whole.text), not said.text
        if isinstance(whole, Refusal):
            yield from self._decline(item, said, left)
            return
        said.text += left
        extra = {**self._take_notes(item), **_without_nulls(strip_notes(whole.extra))}
        if left or extra or silent:
            yield TextDelta(left, 0, said.number, extra)

    def _decline(self, item: _Open, said: _Said, text: str) -> Iterator[Event]:
        if text:
            self._spoke = item.begun = True
            said.text += text
            yield RefusalDelta(text)

    def _take_notes(self, item: _Open) -> Extra:
        """The notes of a message, once, with the mark that it is not more of the message before it."""
        begins, continues = not item.begun, self._spoke
        self._spoke = item.begun = True
        if not begins:
            return {}
        return item.notes if ITEM in item.notes or not continues else {**item.notes, ITEM: None}

    def _find(self, data: dict[str, Any], place: str = "content_index") -> tuple[_Open, int, str]:
        """The item that an event is about, the place within it, and the event's piece of text."""
        fields = _open(data)
        item = self._items.get(_need_index(fields))
        if item is None:
            raise InvalidAnswer("The provider's stream goes on with an item that is not open.")
        return item, fields.integer(place, 0, _INDEX_MAX) or 0, fields.text("delta") or ""

    def _find_said(self, item: _Open, place: int) -> _Said:
        said = item.said.get(place)
        if said is None:
            said = item.said[place] = _Said(self._texts)
            self._texts += 1
        return said

    def _place(self, item: _Open) -> Place:
        return Place(self._answer_id, item.index)


def _open(data: Any) -> Fields:
    return Fields(data, "", InvalidAnswer)


def _need_index(fields: Fields) -> int:
    index = fields.integer("output_index", 0, _INDEX_MAX)
    if index is None:
        raise fields.miss("output_index", "a whole number")
    return index


def _left(told: str, whole: str) -> str:
    """What of a text was not told yet. One that was told otherwise is not told again."""
    return whole[len(told) :] if whole.startswith(told) else ""


def _without_nulls(extra: Extra) -> Extra:
    return {name: value for name, value in extra.items() if value is not None}
