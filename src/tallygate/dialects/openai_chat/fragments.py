"""The tool calls of one streamed choice, put in order from the fragments that providers send.

The reference has an `index` on each fragment, id and name on the first. Seen besides: no index, every call under index
0 (ai.google.dev/gemini-api/docs/openai), id and name on every fragment, no id at all, arguments before the name,
arguments as an object. Events come out as if the reference had been kept.
"""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from tallygate.dialects.fields import Fields
from tallygate.dialects.openai_chat.tools import LEGACY_CALL, read_arguments
from tallygate.errors import InvalidAnswer
from tallygate.genai.messages import Extra
from tallygate.genai.stream import ToolArgumentsDelta, ToolCallStarted


class _Call(Struct):
    """One call so far. It is `open` once its name is known; until then its arguments wait in `held`."""

    index: int
    id: str = ""
    name: str = ""
    kind: str = "function"
    held: str = ""
    open: bool = False
    extra: Extra = {}


class Fragments:
    """Fragments of one choice to events. `made_id` begins the id of a call that came without one."""

    def __init__(self, choice: int, made_id: str) -> None:
        self._choice = choice
        self._made_id = made_id
        self._calls: dict[int, _Call] = {}
        self._by_wire_index: dict[int, _Call] = {}
        self._by_id: dict[str, _Call] = {}
        self._last: _Call | None = None
        self._legacy: _Call | None = None

    def add(self, items: list[Any]) -> Iterator[ToolCallStarted | ToolArgumentsDelta]:
        """The events of a delta's `tool_calls`. Raises InvalidAnswer."""
        for item in items:
            fields = Fields(item, "tool_calls", InvalidAnswer)
            word = fields.text("type")
            kind = "custom" if word == "custom" or "custom" in fields else "function"
            inner = fields.inside(kind)
            text = name = ""
            if inner is not None:
                name = inner.text("name") or ""
                text = read_arguments(inner, "input" if kind == "custom" else "arguments")
            index, id_ = fields.take("index"), fields.text("id") or ""
            call = self._find(index if type(index) is int and index >= 0 else None, id_, name)
            call.kind = kind
            yield from self._extend(call, id_, name, text, fields.rest())

    def add_legacy(self, value: Any) -> Iterator[ToolCallStarted | ToolArgumentsDelta]:
        """The events of a delta's older `function_call`, of which a choice has one. Raises InvalidAnswer."""
        fields = Fields(value, LEGACY_CALL, InvalidAnswer)
        name, text = fields.text("name") or "", read_arguments(fields, "arguments")
        if self._legacy is None:
            self._legacy = self._new(None)
        yield from self._extend(self._legacy, "", name, text, {LEGACY_CALL: fields.rest()})

    def flush(self) -> Iterator[ToolCallStarted | ToolArgumentsDelta]:
        """Calls that never got a name: the choice is complete, so they are told as they are."""
        for call in self._calls.values():
            if not call.open:
                yield from self._open(call)

    def _find(self, wire_index: int | None, id_: str, name: str) -> _Call:
        """The call that a fragment belongs to, a new one if it begins one."""
        if wire_index is not None:
            call = self._by_wire_index.get(wire_index)
            # Another id together with a name is another call, whatever the index says.
            begins = call is None or bool(id_ and name and call.id and id_ != call.id)
        else:
            call = self._by_id.get(id_) if id_ else self._last
            begins = call is None or bool(name and not id_)
        if call is None or begins:
            call = self._new(wire_index)
        if id_:
            self._by_id[id_] = call
        self._last = call
        return call

    def _new(self, wire_index: int | None) -> _Call:
        free = wire_index is not None and wire_index not in self._calls
        index = wire_index if wire_index is not None and free else max(self._calls, default=-1) + 1
        call = self._calls[index] = _Call(index)
        if wire_index is not None:
            self._by_wire_index[wire_index] = call
        return call

    def _extend(
        self, call: _Call, id_: str, name: str, text: str, extra: Extra
    ) -> Iterator[ToolCallStarted | ToolArgumentsDelta]:
        if call.open:
            if text:
                yield ToolArgumentsDelta(call.index, text, self._choice)
            return
        call.id = call.id or id_
        call.name = call.name or name
        call.held += text
        call.extra = {**call.extra, **extra}
        if call.name:
            yield from self._open(call)

    def _open(self, call: _Call) -> Iterator[ToolCallStarted | ToolArgumentsDelta]:
        call.open = True
        call.id = call.id or f"{self._made_id}_{call.index}"
        yield ToolCallStarted(call.index, call.id, call.name, self._choice, call.kind, call.extra)
        if call.held:
            yield ToolArgumentsDelta(call.index, call.held, self._choice)
            call.held = ""
