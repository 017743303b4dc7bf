"""Turns of a conversation, both ways, and the instruction beside them.

A user's turn that holds tool results is read as a `tool` turn and, for what follows the results, a `user` turn;
written, the two are one again. Source: platform.claude.com/docs/en/api/messages, and
platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from tallygate.dialects.anthropic_messages.parts import read_blocks, write_blocks, write_text
from tallygate.dialects.fields import Fields
from tallygate.dialects.losses import Losses
from tallygate.genai.caching import MARK, mark_last, take_mark
from tallygate.genai.chat import ChatRequest
from tallygate.genai.messages import Message, Part, Role, Text, ToolResult

_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}
_INSTRUCTING = ("system", "developer")
_UNMARKED = ("thinking", "redacted_thinking")
"""Blocks that no mark can stand on (platform.claude.com/docs/en/build-with-claude/prompt-caching)."""


def read_messages(fields: Fields) -> tuple[Message, ...]:
    """`messages` of a request. Raises InvalidValue or MissingField with the path of the field."""
    items = fields.array("messages")
    if not items:
        raise fields.miss("messages", "a list of at least one message")
    return tuple(
        message
        for index, item in enumerate(items)
        for message in _read_message(Fields(item, f"{fields.at('messages')}[{index}]"))
    )


def _read_message(fields: Fields) -> Iterator[Message]:
    word = fields.need_text("role")
    role = _ROLES.get(word)
    if role is None:
        raise fields.refuse(f"one of {', '.join(_ROLES)}", "role")
    if "content" not in fields:
        raise fields.miss("content", "a string or a list of blocks")
    parts = read_blocks(fields, "content")
    extra = fields.rest()
    if role != "user" or not any(isinstance(part, ToolResult) for part in parts):
        yield Message(role, parts, extra=extra)
        return
    for is_result, run in groupby(parts, lambda part: isinstance(part, ToolResult)):
        yield Message("tool" if is_result else "user", tuple(run), extra=extra)
        extra = {}


def read_system(fields: Fields) -> tuple[Part, ...]:
    """The top-level `system`."""
    return read_blocks(fields, "system")


def write_conversation(request: ChatRequest, losses: Losses) -> dict[str, Any]:
    """The members `messages` and `system`. Raises UnsupportedParameter with the path of what cannot be carried."""
    if losses.same:
        messages = list(_write_same(request.messages, losses))
        system = write_text(request.system, "system", losses) if request.system else None
    else:
        messages = _write_foreign(request.messages, losses)
        system = _gather_system(request, losses) or None
    return {"messages": messages, "system": system}


def _write_same(messages: Sequence[Message], losses: Losses) -> Iterator[dict[str, Any]]:
    """Turns as they came: what follows the results in one turn goes back into that turn."""
    held: dict[str, Any] | None = None
    for index, message in enumerate(messages):
        path = f"messages[{index}]"
        if held is not None and message.role == "user" and message.parts and not message.extra:
            held["content"] += write_blocks(message.parts, f"{path}.content", losses)
            yield held
            held = None
            continue
        if held is not None:
            yield held
            held = None
        if message.role == "tool":
            content = write_blocks(message.parts, f"{path}.content", losses)
            held = losses.restore({"role": "user", "content": content}, message.extra, path)
        else:
            turn = {"role": message.role, "content": write_text(message.parts, f"{path}.content", losses)}
            yield losses.restore(turn, message.extra, path)
    if held is not None:
        yield held


def _write_foreign(messages: Sequence[Message], losses: Losses) -> list[dict[str, Any]]:
    """Another dialect's turns: users and assistants take turns strictly, and empty turns are left out.

    This wire's provider would join neighbouring turns of one role itself; others that speak it refuse them.
    """
    turns: list[tuple[str, list[dict[str, Any]]]] = []
    for index, message in enumerate(messages):
        if message.role in _INSTRUCTING:
            continue
        path = f"messages[{index}]"
        if message.name is not None:
            losses.drop(f"{path}.name")
        blocks = write_blocks(message.parts, f"{path}.content", losses)
        _account_for(message, blocks, path, losses)
        role = "assistant" if message.role == "assistant" else "user"
        if not blocks:
            continue
        if turns and turns[-1][0] == role:
            turns[-1][1].extend(blocks)
        else:
            turns.append((role, blocks))
    if not turns:
        raise losses.refuse("messages", "Beside instructions, the provider asks for something that a user said.")
    return [{"role": role, "content": _shorten(blocks)} for role, blocks in turns]


def _shorten(blocks: list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    """One plain text is the string itself."""
    return blocks[0]["text"] if len(blocks) == 1 and blocks[0].keys() == {"type", "text"} else blocks


def _gather_system(request: ChatRequest, losses: Losses) -> str | list[dict[str, Any]]:
    """The instruction of another dialect's request: what stands beside its messages and all its system turns.

    Only the newest models of this wire take system turns in mid-conversation. The vendor's own layer for the other
    dialect gathers them at the beginning, and so do we; that a turn lost its place is named.
    """
    blocks = write_blocks(request.system, "system", losses)
    leading = True
    for index, message in enumerate(request.messages):
        if message.role not in _INSTRUCTING:
            leading = False
            continue
        path = f"messages[{index}]"
        if not leading:
            losses.drop(f"{path}.system.position")
        if message.name is not None:
            losses.drop(f"{path}.name")
        for place, part in enumerate(message.parts):
            if not isinstance(part, Text):
                raise losses.refuse(f"{path}.content[{place}]", "Instructions are text only there.")
        said = write_blocks(message.parts, f"{path}.content", losses)
        _account_for(message, said, path, losses)
        blocks += said
    return _shorten(blocks)


def _account_for(message: Message, blocks: list[dict[str, Any]], path: str, losses: Losses) -> None:
    """What another dialect's turn has beside its parts. A mark for the cache goes onto its last block."""
    mark, extra = take_mark(message.extra)
    if not mark_last([block for block in blocks if block["type"] not in _UNMARKED], mark):
        losses.drop(f"{path}.{MARK}")
    losses.restore({}, extra, path)
