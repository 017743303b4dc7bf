"""The blocks of one streamed answer while they grow: starts, fragments and ends to events.

Text, thoughts and the arguments of calls pass on as they come. A block that only this wire knows is collected and told
when it is whole. Source: platform.claude.com/docs/en/build-with-claude/streaming.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from tallygate.dialects.anthropic_messages.call_ids import read_call_id
from tallygate.dialects.fields import Fields
from tallygate.errors import InvalidAnswer
from tallygate.genai.assemble import merge
from tallygate.genai.messages import Extra
from tallygate.genai.stream import (
    Event,
    OpaqueSeen,
    ReasoningDelta,
    TextDelta,
    ToolArgumentsDelta,
    ToolCallStarted,
)

_INDEX_MAX = 2**31
_THOUGHTS = ("thinking", "redacted_thinking")


class _Block(Struct):
    """One open block. `call`: the place of its tool call; `pieces`: the fragments of its JSON; `held`: its members."""

    index: int
    kind: str
    call: int = 0
    told: bool = False
    pieces: list[str] = []
    given: Any = None
    held: Extra = {}


class Growth:
    """Block events of one stream to events of ours. All methods raise InvalidAnswer for what is not this wire's."""

    def __init__(self) -> None:
        self._blocks: dict[int, _Block] = {}
        self._calls = 0

    def start(self, data: dict[str, Any]) -> Iterator[Event]:
        """`content_block_start`."""
        outer = _open(data)
        fields = outer.need_inside("content_block")
        index, kind = _need_index(outer), fields.need_text("type")
        block = self._blocks[index] = _Block(index, kind)
        match kind:
            case "text":
                yield from self._add_text(block, fields.text("text") or "", _rest(fields))
            case "thinking":
                text, signature = fields.text("thinking") or "", fields.text("signature") or None
                yield from self._add_thought(block, text, signature, None, _rest(fields))
            case "redacted_thinking":
                yield from self._add_thought(block, "", None, fields.need_text("data"), _rest(fields))
            case "tool_use":
                block.call, self._calls = self._calls, self._calls + 1
                block.given = fields.object("input")
                id_, name = read_call_id(fields.need_text("id")), fields.need_text("name")
                yield ToolCallStarted(block.call, id_, name, extra=_rest(fields))
            case _:
                block.given = fields.look("input")
                block.held = fields.rest()

    def grow(self, data: dict[str, Any]) -> Iterator[Event]:
        """`content_block_delta`."""
        outer = _open(data)
        fields = outer.need_inside("delta")
        block = self._find(outer)
        kind = fields.need_text("type")
        match kind:
            case "text_delta":
                yield from self._add_text(block, fields.text("text") or "", {})
            case "citations_delta":
                yield from self._add_text(block, "", {"citations": [fields.take("citation")]})
            case "thinking_delta":
                yield from self._add_thought(block, fields.text("thinking") or "", None, None, {})
            case "signature_delta":
                yield from self._add_thought(block, "", fields.text("signature") or None, None, {})
            case "input_json_delta":
                piece = fields.text("partial_json") or ""
                block.pieces.append(piece)
                if block.kind == "tool_use" and piece:
                    yield ToolArgumentsDelta(block.call, piece)
            case _:
                yield from self._add_unknown(block, _rest(fields))

    def stop(self, data: dict[str, Any]) -> Iterator[Event]:
        """`content_block_stop`."""
        block = self._find(_open(data))
        del self._blocks[block.index]
        if block.kind == "text" and not block.told:
            yield TextDelta("", part=block.index)
        elif block.kind in _THOUGHTS and not block.told:
            yield ReasoningDelta(part=block.index)
        elif block.kind == "tool_use":
            if not "".join(block.pieces).strip():
                yield ToolArgumentsDelta(block.call, msgspec.json.encode(block.given or {}).decode())
        elif block.kind not in ("text", *_THOUGHTS):
            text = "".join(block.pieces)
            held = {**block.held, "input": _parse(text)} if text else block.held
            yield OpaqueSeen(block.kind, extra=held)

    def _find(self, fields: Fields) -> _Block:
        block = self._blocks.get(_need_index(fields))
        if block is None:
            raise InvalidAnswer("The provider's stream goes on with a block that is not open.")
        return block

    def _add_text(self, block: _Block, text: str, extra: Extra) -> Iterator[Event]:
        if text or extra:
            block.told = True
            yield TextDelta(text, part=block.index, extra=extra)

    def _add_thought(
        self, block: _Block, text: str, signature: str | None, encrypted: str | None, extra: Extra
    ) -> Iterator[Event]:
        if text or signature or encrypted is not None or extra:
            block.told = True
            yield ReasoningDelta(text, 0, block.index, signature, encrypted, extra)

    def _add_unknown(self, block: _Block, extra: Extra) -> Iterator[Event]:
        """A fragment of a kind that is not known here belongs to its block all the same."""
        if block.kind == "text":
            yield from self._add_text(block, "", extra)
        elif block.kind in _THOUGHTS:
            yield from self._add_thought(block, "", None, None, extra)
        elif block.kind != "tool_use":
            block.held = merge(block.held, extra)


def _open(data: dict[str, Any]) -> Fields:
    return Fields(data, "", InvalidAnswer)


def _need_index(fields: Fields) -> int:
    index = fields.integer("index", 0, _INDEX_MAX)
    if index is None:
        raise fields.miss("index", "a whole number")
    return index


def _rest(fields: Fields) -> Extra:
    return {name: value for name, value in fields.rest().items() if value is not None}


def _parse(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise InvalidAnswer("The provider's stream holds a block whose input is not JSON.") from None
