"""A request's `input`, both ways: a string, or items that become turns.

What a model made side by side is one turn of the assistant; everything a caller gives is a turn of its own. An item
that only this wire knows is an `Opaque`: in the assistant's turn if the model made it, alone in a `tool` turn if it is
the caller's. Source: developers.openai.com/api/reference/responses (input).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from tallygate.dialects.fields import Fields, without_none
from tallygate.dialects.losses import Losses
from tallygate.dialects.openai_responses.additional import is_additional, put_back
from tallygate.dialects.openai_responses.content import Manner, read_content, write_given
from tallygate.dialects.openai_responses.items import (
    CALL_TYPES,
    ITEM,
    begin_message,
    read_item,
    take_marks,
    write_items,
)
from tallygate.dialects.openai_responses.marks import Place
from tallygate.dialects.openai_responses.reasoning import FORMAT
from tallygate.genai.chat import ChatRequest
from tallygate.genai.messages import Extra, Message, Opaque, Part, Reasoning, Role, Text, ToolCall, ToolResult

_GIVEN_ROLES: Final[dict[str, Role]] = {"user": "user", "system": "system", "developer": "developer"}
_RESULTS: Final = {f"{name}_output": kind for kind, (name, _, _) in CALL_TYPES.items()}
_RESULT_TYPES: Final = {kind: name for name, kind in _RESULTS.items()}
_CALLERS: Final = frozenset({"mcp_approval_response", "additional_tools", "compaction_trigger", "configuration_update"})


def read_input(fields: Fields) -> tuple[Message, ...]:
    """`input` of a request. Raises InvalidValue or MissingField with the path of the field."""
    value = fields.take("input")
    if isinstance(value, str):
        return (Message("user", (Text(value),)),)
    if value is None:
        raise fields.miss("input", "a string or a list of items")
    if not isinstance(value, list) or not value:
        raise fields.refuse("a string or a list of at least one item", "input")
    items = cast("list[Any]", value)
    messages: list[Message] = []
    made: list[Part] = []
    kinds: dict[str, str] = {}
    for index, item in enumerate(items):
        if is_additional(item):
            continue  # read with the tools
        given = Fields(item, f"{fields.at('input')}[{index}]", fields.wrong)
        if _is_callers(given):
            _close_turn(messages, made)
            messages.append(_read_given(given, kinds))
            continue
        parts = begin_message(read_item(given, Place()), made[-1] if made else None)
        kinds.update((part.id, part.kind) for part in parts if isinstance(part, ToolCall))
        made += parts
    _close_turn(messages, made)
    return tuple(messages)


def _close_turn(messages: list[Message], made: list[Part]) -> None:
    if made:
        messages.append(Message("assistant", tuple(made)))
        made.clear()


def _is_callers(fields: Fields) -> bool:
    """True for what the caller gives, False for what the model made."""
    kind = fields.text("type") if "type" not in fields else fields.look("type")
    if kind is None or kind == "message":
        return fields.look("role") != "assistant"
    return isinstance(kind, str) and (kind.endswith("_output") or kind in _CALLERS)


def _read_given(fields: Fields, kinds: dict[str, str]) -> Message:
    """An item of the caller's. `kinds` tell which calls were of which kind, so that results need not."""
    kind = fields.text("type") or "message"
    if kind == "message":
        role = _GIVEN_ROLES.get(fields.need_text("role"))
        if role is None:
            raise fields.refuse("one of user, assistant, system and developer", "role")
        if "content" not in fields:
            raise fields.miss("content", "a string or a list of parts")
        marks = Place().read_marks(fields, "msg")
        parts = read_content(fields, "content")
        return Message(role, parts, extra={**({ITEM: marks} if marks else {}), **fields.rest()})
    if kind not in _RESULTS:
        return Message("tool", (Opaque(kind, extra=fields.rest()),))
    call_id = fields.need_text("call_id")
    if "output" not in fields:
        raise fields.miss("output", "a string or a list of parts")
    marks = Place().read_marks(fields, "fco")
    notes: Extra = {ITEM: marks} if marks else {}
    if kinds.get(call_id, "function") != _RESULTS[kind]:
        notes["type"] = kind
    parts = read_content(fields, "output")
    return Message("tool", (ToolResult(call_id, parts, extra={**notes, **fields.rest()}),))


def write_input(request: ChatRequest, losses: Losses, added: Mapping[int, dict[str, Any]]) -> dict[str, Any]:
    """The members `instructions` and `input`. `added`: written items that add tools, by their place.

    Raises UnsupportedParameter with the path of what cannot be carried.
    """
    manner = Manner(losses.same, losses.restore, losses.refuse)
    instructions, items = None, list[dict[str, Any]]()
    if len(request.system) == 1 and isinstance(said := request.system[0], Text) and not said.extra:
        instructions = said.text
    elif request.system:
        content = write_given(request.system, "system", manner)
        items.append({"type": "message", "role": "system", "content": content})
    if not losses.same:
        _refuse_prefill(request.messages, losses)
    kinds: dict[str, str] = {}
    for index, message in enumerate(request.messages):
        items += _write_message(message, f"messages[{index}]", losses, manner, kinds)
    put_back(items, added)
    return without_none({"instructions": instructions, "input": items})


def _refuse_prefill(messages: Sequence[Message], losses: Losses) -> None:
    """Elsewhere a last turn of the assistant is the beginning of the answer; on this wire it is a turn that is over."""
    spoken = [index for index, message in enumerate(messages) if message.role not in ("system", "developer")]
    if spoken and messages[spoken[-1]].role == "assistant":
        raise losses.refuse(f"messages[{spoken[-1]}]", "An answer that the caller began cannot be continued there.")


def _write_message(
    message: Message, path: str, losses: Losses, manner: Manner, kinds: dict[str, str]
) -> Iterator[dict[str, Any]]:
    if message.name is not None:
        losses.drop(f"{path}.name")
    if message.role == "assistant":
        losses.restore({}, message.extra, path)
        parts = message.parts if losses.same else _without_thoughts(message.parts, path, losses)
        kinds.update((part.id, part.kind) for part in parts if isinstance(part, ToolCall))
        yield from write_items(parts, f"{path}.content", manner)
    elif message.role == "tool":
        losses.restore({}, message.extra, path)
        for index, part in enumerate(message.parts):
            yield _write_result(part, f"{path}.content[{index}]", losses, manner, kinds)
    else:
        extra = dict(message.extra)
        marks = take_marks(extra) if losses.same else {}
        content = write_given(message.parts, f"{path}.content", manner)
        yield losses.restore({"type": "message", "role": message.role, **marks, "content": content}, extra, path)


def _without_thoughts(parts: Sequence[Part], path: str, losses: Losses) -> tuple[Part, ...]:
    """Another dialect's parts without the thoughts that its own provider would have to know again."""
    kept = tuple(part for part in parts if not isinstance(part, Reasoning) or _is_sealed_here(part))
    if len(kept) < len(parts):
        losses.drop(f"{path}.reasoning")
    return kept


def _is_sealed_here(thought: Reasoning) -> bool:
    return thought.encrypted is not None and thought.extra.get("format") == FORMAT


def _write_result(part: Part, path: str, losses: Losses, manner: Manner, kinds: dict[str, str]) -> dict[str, Any]:
    if isinstance(part, Opaque) and losses.same:
        return {"type": part.kind, **part.extra}
    if not isinstance(part, ToolResult):
        kind = part.kind if isinstance(part, Opaque) else part.__struct_config__.tag
        raise losses.refuse(path, f"A part of type {kind} has no place there.")
    if part.is_error:
        # The wire has no mark for it; the result's own words say what went wrong.
        losses.drop(f"{path}.is_error")
    extra = dict(part.extra)
    marks: Extra = take_marks(extra) if losses.same else {}
    name = _RESULT_TYPES[kinds.get(part.call_id, "function")]
    if losses.same:
        name = extra.pop("type", name)
    output = write_given(part.parts, f"{path}.content", manner)
    return losses.restore({"type": name, **marks, "call_id": part.call_id, "output": output}, extra, path)
