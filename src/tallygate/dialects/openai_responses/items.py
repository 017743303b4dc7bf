"""The items that a model makes, both ways: messages, thoughts, calls. An answer's output, and a request's history.

Text and refusals that stand beside each other are one message, unless the next has a mark of its own under ``item``:
the id and phase of its message, or None where it has nothing but its beginning. An item that only this wire knows (a
search, a patch, a compaction) is an `Opaque`. Source: developers.openai.com/api/reference/responses (output).
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal, cast

from msgspec import structs

from tallygate.dialects.fields import Fields
from tallygate.dialects.openai_responses.content import Manner, read_content, write_said
from tallygate.dialects.openai_responses.marks import UNKEPT, Place, is_unkept
from tallygate.dialects.openai_responses.names import join_name, split_name
from tallygate.dialects.openai_responses.reasoning import read_thought, write_thought
from tallygate.genai.messages import Extra, Opaque, Part, Reasoning, Refusal, Text, ToolCall

ITEM: Final = "item"
"""Under which name a part keeps the marks of its item."""

REFERENCE: Final = "item_reference"
"""An item that stands for one of an earlier answer. Only that to a thought nobody kept is taken: it is an empty one."""

_MESSAGE: Final = "message"
"""Under which name the first part of a message keeps the members of it that have no name here."""

_PLAIN: Final = frozenset({"output_text", "input_text", "refusal"})

_CALLS: Final[dict[str, tuple[Literal["function", "custom"], str, str]]] = {
    "function_call": ("function", "arguments", "fc"),
    "custom_tool_call": ("custom", "input", "ctc"),
}
"""A call's kind, the member that holds what it is called with, and what its id begins with."""

CALL_TYPES: Final = {kind: (name, argument, prefix) for name, (kind, argument, prefix) in _CALLS.items()}


def read_item(fields: Fields, place: Place) -> tuple[Part, ...]:
    """One item that a model made. Raises the error class of `fields` with the path."""
    kind = fields.text("type") or _MESSAGE
    if kind == _MESSAGE:
        return _read_message(fields, place)
    if kind == "reasoning":
        return (read_thought(fields, place),)
    if kind in _CALLS:
        return (read_call(fields, kind, place),)
    if kind == REFERENCE and is_unkept(fields.look("id")):
        return (Reasoning(""),)
    return (Opaque(kind, extra=fields.rest()),)


def _read_message(fields: Fields, place: Place) -> tuple[Part, ...]:
    if not _is_plain(fields.look("content")):
        return (Opaque(_MESSAGE, extra=fields.rest()),)
    fields.take("role")
    marks = place.read_marks(fields, "msg")
    parts = read_content(fields, "content") or (Text(""),)
    first = parts[0]
    assert isinstance(first, Text | Refusal), "looked at above"
    return (structs.replace(first, extra={**first.extra, **note_message(marks, fields.rest())}), *parts[1:])


def _is_plain(content: Any) -> bool:
    """False for a message with a part that is neither text nor refusal: it is kept whole."""
    items = cast("list[Any]", content) if isinstance(content, list) else []
    kinds = [cast("dict[str, Any]", item).get("type") for item in items if isinstance(item, dict)]
    return all(not isinstance(kind, str) or kind in _PLAIN for kind in kinds)


def note_message(marks: Extra, left: Extra) -> Extra:
    """What the first part of a message keeps of it."""
    return {**({ITEM: marks} if marks else {}), **({_MESSAGE: left} if left else {})}


def begin_message(parts: Sequence[Part], before: Part | None) -> tuple[Part, ...]:
    """The parts of one item, the first marked where it would otherwise be taken for more of the message before it."""
    first = parts[0]
    if isinstance(first, Text | Refusal) and isinstance(before, Text | Refusal) and ITEM not in first.extra:
        return (structs.replace(first, extra={**first.extra, ITEM: None}), *parts[1:])
    return tuple(parts)


def take_marks(extra: Extra) -> Extra:
    """The marks of an item, taken out of the extra of its part."""
    return extra.pop(ITEM, None) or {}


def read_call(fields: Fields, kind: str, place: Place) -> ToolCall:
    """An item of a type in `CALL_TYPES`."""
    means, argument, prefix = _CALLS[kind]
    fields.take("type")
    call_id = fields.text("call_id") or fields.look("id")
    if not isinstance(call_id, str):
        raise fields.miss("call_id", "a string")
    marks, namespace = place.read_marks(fields, prefix), fields.text("namespace")
    notes: Extra = {**({ITEM: marks} if marks else {}), **({"namespace": namespace} if namespace else {})}
    return ToolCall(
        id=call_id,
        name=join_name(namespace, fields.need_text("name")),
        arguments=fields.text(argument) or "",
        kind=means,
        extra={**notes, **fields.rest()},
    )


def write_items(parts: Sequence[Part], path: str, manner: Manner) -> list[dict[str, Any]]:
    """The items of what a model said. Raises what `manner.refuse` makes for what has no place among them."""
    return [write_item(run, index, f"{path}[{start}]", manner) for index, (start, run) in enumerate(split_runs(parts))]


def split_runs(parts: Sequence[Part]) -> Iterator[tuple[int, list[Part]]]:
    """Parts by the item they belong to, each with the place of its first part."""
    run: list[Part] = []
    start = 0
    for index, part in enumerate(parts):
        if run and not continues_message(run[-1], part):
            yield start, run
            run, start = [], index
        run.append(part)
    if run:
        yield start, run


def continues_message(before: Part, part: Part) -> bool:
    """True if both belong to one message."""
    said = isinstance(before, Text | Refusal) and isinstance(part, Text | Refusal)
    return said and ITEM not in part.extra


def write_item(run: Sequence[Part], index: int, path: str, manner: Manner) -> dict[str, Any]:
    """One item, the `index`th. `run` is one part, or all the parts of a message."""
    first = run[0]
    match first:
        case Text() | Refusal():
            item, prefix = _write_message(run, path, manner), "msg"
        case Reasoning():
            item, prefix = write_thought(first, same=manner.same), UNKEPT
        case ToolCall():
            item, prefix = _write_call(first, path, manner), CALL_TYPES[first.kind][2]
        case Opaque() if manner.same:
            return {"type": first.kind, **first.extra}
        case _:
            kind = first.kind if isinstance(first, Opaque) else first.__struct_config__.tag
            raise manner.refuse(path, f"A part of type {kind} has no place there.")
    if manner.answer_id is None:
        return item
    item.setdefault("id", Place(manner.answer_id, index).make_id(prefix))
    if prefix != UNKEPT:  # thoughts have no status on this wire
        item.setdefault("status", "completed")
    return item


def _write_message(run: Sequence[Part], path: str, manner: Manner) -> dict[str, Any]:
    notes = dict(run[0].extra) if manner.same else {}
    marks = take_marks(notes)
    item: dict[str, Any] = {"type": _MESSAGE, "role": "assistant", **marks}
    content = [
        write_said(part, strip_notes(part.extra) if manner.same else part.extra, path, manner)
        for part in run
        if isinstance(part, Text | Refusal)
    ]
    plain = manner.answer_id is None and len(content) == 1 and content[0].keys() == {"type", "text"}
    item["content"] = content[0]["text"] if plain else content
    return manner.restore(item, notes.get(_MESSAGE) or {}, path)


def strip_notes(extra: Extra) -> Extra:
    """A part's extra without what it keeps of its message."""
    return {name: value for name, value in extra.items() if name not in (ITEM, _MESSAGE)}


def _write_call(call: ToolCall, path: str, manner: Manner) -> dict[str, Any]:
    kind, argument, _ = CALL_TYPES[call.kind]
    extra = dict(call.extra)
    marks: Extra = take_marks(extra) if manner.same else {}
    namespace = manner.namespaces.get(call.name)
    if manner.same:
        namespace = extra.pop("namespace", namespace)
    item: dict[str, Any] = {"type": kind, **marks, "call_id": call.id, "name": split_name(namespace, call.name)}
    if namespace:
        item["namespace"] = namespace
    item[argument] = call.arguments
    return manner.restore(item, extra, path)
