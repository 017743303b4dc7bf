"""Turns of a conversation, both ways.

Source: platform.openai.com/docs/api-reference/chat/create (messages). A turn of the older role `function` is read as a
`tool` turn and marked by its `extra`, so that it is written back as it came. Requests only: an answer's message is read
where answers are.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from msgspec.structs import replace

from tallygate.dialects.fields import Fields, without_none
from tallygate.dialects.losses import Losses
from tallygate.dialects.openai_chat.parts import read_content, read_parts, write_content, write_part
from tallygate.dialects.openai_chat.reasoning import read_thoughts, write_thoughts
from tallygate.dialects.openai_chat.tools import LEGACY_CALL, read_calls, write_calls
from tallygate.genai.caching import MARK, take_mark
from tallygate.genai.messages import Message, Part, Reasoning, Refusal, Role, Text, ToolCall, ToolResult

_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "developer",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
_LEGACY_ROLE = "function"


def read_messages(fields: Fields) -> tuple[Message, ...]:
    """`messages` of a request. Raises InvalidValue or MissingField with the path of the field."""
    items = fields.array("messages")
    if not items:
        raise fields.miss("messages", "a list of at least one message")
    messages: list[Message] = []
    legacy_ids: dict[str, str] = {}
    turns = 0
    for index, item in enumerate(items):
        message = _read_message(Fields(item, f"{fields.at('messages')}[{index}]"), turns, legacy_ids)
        turns += message.role == "assistant"
        legacy_ids.update((p.name, p.id) for p in message.parts if isinstance(p, ToolCall) and LEGACY_CALL in p.extra)
        messages.append(message)
    return tuple(messages)


def _read_message(fields: Fields, turn: int, legacy_ids: dict[str, str]) -> Message:
    word = fields.need_text("role")
    role = _ROLES.get(word)
    if role is None:
        raise fields.refuse(f"one of {', '.join(_ROLES)}", "role")
    name = fields.text("name")
    if role == "assistant":
        parts = _read_assistant(fields, f"call_{turn}")
        return Message(role, parts, name=name, extra=fields.rest())
    if word == _LEGACY_ROLE:
        # Such a result names the function, not the call: it answers the latest call of that name.
        call_id = legacy_ids.get(name or "", "")
        result = ToolResult(call_id, read_parts(fields, "content", fields.take("content") or ""))
        return Message(role, (result,), name=name, extra={"role": word, **fields.rest()})
    if role == "tool":
        call_id = fields.need_text("tool_call_id")
        parts = (ToolResult(call_id, read_content(fields, needed=True)),)
        return Message(role, parts, name=name, extra=fields.rest())
    return Message(role, read_content(fields, needed=True), name=name, extra=fields.rest())


def _read_assistant(fields: Fields, made_id: str) -> tuple[Part, ...]:
    thoughts = read_thoughts(fields)
    content = read_content(fields, needed=False)
    refusal = fields.text("refusal")
    said = (Refusal(refusal),) if refusal is not None else ()
    return (*thoughts, *content, *said, *read_calls(fields, made_id))


def write_messages(messages: Sequence[Message], losses: Losses) -> list[dict[str, Any]]:
    """Messages as the wire has them; a `tool` turn with several results becomes several.

    Raises UnsupportedParameter with the path of the part that cannot be carried.
    """
    if not losses.same:
        _refuse_prefill(messages, losses)
    return [
        item for index, message in enumerate(messages) for item in _write_message(message, f"messages[{index}]", losses)
    ]


def _refuse_prefill(messages: Sequence[Message], losses: Losses) -> None:
    """Elsewhere a last turn of the assistant is the beginning of the answer; on this wire it is a turn that is over."""
    spoken = [index for index, message in enumerate(messages) if message.role not in ("system", "developer")]
    if spoken and messages[spoken[-1]].role == "assistant":
        raise losses.refuse(f"messages[{spoken[-1]}]", "An answer that the caller began cannot be continued there.")


def _write_message(message: Message, path: str, losses: Losses) -> Iterator[dict[str, Any]]:
    head = without_none({"role": message.role, "name": message.name})
    if message.role == "assistant":
        yield losses.restore({**head, **_write_assistant(message.parts, path, losses)}, message.extra, path)
    elif message.role == "tool":
        shown: list[dict[str, Any]] = []
        for index, part in enumerate(message.parts):
            at = f"{path}.parts[{index}]"
            if not isinstance(part, ToolResult):
                raise losses.refuse(at, "A tool's turn holds results only.")
            said = part if losses.same else _set_aside(part, shown, at, losses)
            yield losses.restore(_write_result(said, head, at, message, losses), message.extra, path)
        if shown:
            yield {"role": "user", "content": shown}
    else:
        content = write_content(message.parts, f"{path}.content", losses)
        yield losses.restore({**head, "content": content}, message.extra, path)


_SHOWN: Final = "The result of this call is shown in the next message."


def _set_aside(part: ToolResult, shown: list[dict[str, Any]], path: str, losses: Losses) -> ToolResult:
    """Another dialect's result without its pictures and files, which are added to `shown`, the turn that follows.

    The reference gives a tool's message text only, and most providers refuse anything else in it.
    """
    texts = [item for item in part.parts if isinstance(item, Text)]
    others = [item for item in part.parts if not isinstance(item, Text)]
    if others:
        losses.drop(f"{path}.content.position")
        shown.append({"type": "text", "text": f"Result of the call {part.call_id}:"})
        shown.extend(write_part(item, f"{path}.content", losses) for item in others)
        texts = texts or [Text(_SHOWN)]
    return replace(part, parts=tuple(texts or [Text("")]))


def _write_result(
    part: ToolResult, head: dict[str, Any], path: str, message: Message, losses: Losses
) -> dict[str, Any]:
    part = _hand_down_mark(part, losses)
    content = write_content(part.parts, f"{path}.content", losses)
    if part.is_error:
        # The wire has no mark for it; the result's own words say what went wrong.
        losses.drop(f"{path}.is_error")
    if losses.same and message.extra.get("role") == _LEGACY_ROLE:
        known = {**head, "role": _LEGACY_ROLE, "content": content}
    else:
        known = {**head, "tool_call_id": part.call_id, "content": content}
    return losses.restore(known, part.extra, path)


def _hand_down_mark(part: ToolResult, losses: Losses) -> ToolResult:
    """A mark on a whole result goes to its last text, where marks are known on texts only."""
    mark, extra = take_mark(part.extra)
    if losses.same or not losses.marks or mark is None or not part.parts:
        return part
    *others, last = part.parts
    if not isinstance(last, Text):
        return part
    return replace(part, parts=(*others, replace(last, extra={MARK: mark, **last.extra})), extra=extra)


def _write_assistant(parts: Sequence[Part], path: str, losses: Losses) -> dict[str, Any]:
    thoughts = [part for part in parts if isinstance(part, Reasoning)]
    calls = [part for part in parts if isinstance(part, ToolCall)]
    said = [part for part in parts if not isinstance(part, Reasoning | ToolCall)]
    members: dict[str, Any] = {}
    if thoughts and losses.same:
        members = write_thoughts(thoughts, same=True)
    elif thoughts:
        # What another dialect's model thought: its seal is void here, and most providers refuse the members that hold
        # thoughts. The turn's words and calls stay.
        losses.drop(f"{path}.reasoning")
    refusal = said.pop() if _ends_in_refusal(said) else None
    members["content"] = write_content(said, f"{path}.content", losses) if said else None
    if isinstance(refusal, Refusal):
        members["refusal"] = refusal.text
    return members | write_calls(calls, path, losses)


def _ends_in_refusal(said: Sequence[Part]) -> bool:
    """True if the one refusal is the last thing said: then it stands beside the content, else inside it."""
    refusals = [part for part in said if isinstance(part, Refusal)]
    return len(refusals) == 1 and said[-1] is refusals[0] and not refusals[0].extra
