"""Blocks of content, both ways: text, pictures, documents, thoughts, tool calls and their results.

A block that only this wire knows (a search result, a server's own tool and what it found, and what is yet to come) is
kept whole as an `Opaque`. Source: platform.claude.com/docs/en/api/messages.
"""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

import msgspec

from tallygate.dialects.anthropic_messages.call_ids import read_call_id, write_call_id
from tallygate.dialects.fields import Fields, without_none
from tallygate.dialects.losses import Losses
from tallygate.genai.messages import (
    Document,
    Image,
    Inline,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Remote,
    Source,
    Stored,
    Text,
    ToolCall,
    ToolResult,
)

_PDF = "application/pdf"
_PLAIN = "text/plain"


def read_blocks(fields: Fields, name: str, read: Callable[[Fields], Part] | None = None) -> tuple[Part, ...]:
    """The member `name`, a string or a list of blocks; empty if absent. Raises the error class of `fields`."""
    value = fields.take(name)
    if value is None:
        return ()
    if isinstance(value, str):
        return (Text(value),)
    if not isinstance(value, list):
        raise fields.refuse("a string or a list of blocks", name)
    items = cast(list[Any], value)
    read = read or read_block
    return tuple(read(Fields(item, f"{fields.at(name)}[{i}]", fields.wrong)) for i, item in enumerate(items))


def read_block(fields: Fields) -> Part:
    """One block of a request. A type without a name here gives an `Opaque`."""
    return _read_one(fields, {**_SAID, **_GIVEN})


def read_said(fields: Fields) -> Part:
    """One block of an answer. What a model does not say itself (a picture, a search it had done) is an `Opaque`."""
    return _read_one(fields, _SAID)


def _read_one(fields: Fields, readers: Mapping[str, Callable[[Fields], Part]]) -> Part:
    kind = fields.need_text("type")
    read = readers.get(kind)
    return Opaque(kind, extra=fields.rest()) if read is None else read(fields)


def _read_text(fields: Fields) -> Text:
    return Text(fields.need_text("text"), extra=fields.rest())


def _read_thinking(fields: Fields) -> Reasoning:
    # An empty signature is how this gateway writes a thought that has none.
    return Reasoning(fields.text("thinking") or "", signature=fields.text("signature") or None, extra=fields.rest())


def _read_redacted(fields: Fields) -> Reasoning:
    return Reasoning(encrypted=fields.need_text("data"), extra=fields.rest())


def _read_tool_use(fields: Fields) -> ToolCall:
    given = fields.object("input")
    return ToolCall(
        id=read_call_id(fields.need_text("id")),
        name=fields.need_text("name"),
        arguments=msgspec.json.encode(given or {}).decode(),
        extra=fields.rest(),
    )


def _read_tool_result(fields: Fields) -> ToolResult:
    return ToolResult(
        call_id=read_call_id(fields.need_text("tool_use_id")),
        parts=read_blocks(fields, "content"),
        is_error=bool(fields.flag("is_error")),
        extra=fields.rest(),
    )


def _read_image(fields: Fields) -> Part:
    source = _read_source(fields, ("base64", "url", "file"))
    return Opaque("image", extra=fields.rest()) if source is None else Image(source, extra=fields.rest())


def _read_document(fields: Fields) -> Part:
    source = _read_source(fields, ("base64", "text", "url", "file"))
    if source is None:
        return Opaque("document", extra=fields.rest())
    return Document(source, filename=fields.text("title"), extra=fields.rest())


def _read_source(fields: Fields, known: Sequence[str]) -> Source | None:
    """The `source` of a block; None, with nothing taken, for one that is not known."""
    look = fields.look("source")
    kind = cast(dict[str, Any], look).get("type") if isinstance(look, dict) else None
    if kind is not None and kind not in known:
        return None
    inner = fields.need_inside("source")
    match inner.need_text("type"):
        case "base64":
            return Inline(inner.need_text("media_type"), inner.need_text("data"))
        case "text":
            media_type = inner.text("media_type") or _PLAIN
            return Inline(media_type, base64.b64encode(inner.need_text("data").encode()).decode())
        case "url":
            return Remote(inner.need_text("url"))
        case _:
            return Stored(inner.need_text("file_id"))


_SAID: Final[Mapping[str, Callable[[Fields], Part]]] = {
    "text": _read_text,
    "thinking": _read_thinking,
    "redacted_thinking": _read_redacted,
    "tool_use": _read_tool_use,
}
_GIVEN: Final[Mapping[str, Callable[[Fields], Part]]] = {
    "tool_result": _read_tool_result,
    "image": _read_image,
    "document": _read_document,
}


def write_blocks(parts: Sequence[Part], path: str, losses: Losses) -> list[dict[str, Any]]:
    """Parts as a list of blocks. Another dialect's empty texts say nothing and are left out: this wire refuses them.

    Raises UnsupportedParameter naming the part that cannot be carried.
    """
    blocks: list[dict[str, Any]] = []
    for index, part in enumerate(parts):
        block = _write_block(part, f"{path}[{index}]", losses)
        silent = isinstance(part, Text | Refusal) and not part.text and not losses.same
        if block is not None and not silent:
            blocks.append(block)
    return blocks


def write_text(parts: Sequence[Part], path: str, losses: Losses) -> str | list[dict[str, Any]]:
    """Parts as a content: the string itself if they are one plain text, else a list of blocks."""
    blocks = write_blocks(parts, path, losses)
    if len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
        return blocks[0]["text"]
    return blocks


def _write_block(part: Part, path: str, losses: Losses) -> dict[str, Any] | None:
    match part:
        case Text():
            return losses.restore({"type": "text", "text": part.text}, part.extra, path)
        case Refusal():
            # A refusal is said in ordinary words here.
            return losses.restore({"type": "text", "text": part.text}, part.extra, path)
        case Image():
            if part.detail is not None:
                losses.drop(f"{path}.detail")
            known: dict[str, Any] = {"type": "image", "source": _write_source(part.source, path, losses)}
            return losses.restore(known, part.extra, path)
        case Document():
            known = {"type": "document", "source": _write_document(part, path, losses), "title": part.filename}
            return losses.restore(without_none(known), part.extra, path)
        case Reasoning():
            return _write_thought(part, path, losses)
        case ToolCall():
            return _write_call(part, path, losses)
        case ToolResult():
            return _write_result(part, path, losses)
        case Opaque() if losses.same:
            return {"type": part.kind, **part.extra}
        case _:
            kind = part.kind if isinstance(part, Opaque) else part.__struct_config__.tag
            raise losses.refuse(path, f"A part of type {kind} has no place there.")


def _write_source(source: Source, path: str, losses: Losses) -> dict[str, Any]:
    match source:
        case Inline():
            return {"type": "base64", "media_type": source.media_type, "data": source.data}
        case Remote():
            return {"type": "url", "url": source.url}
        case Stored():
            if not losses.same:
                raise losses.refuse(path, "Files stored at a provider are not known to another.")
            return {"type": "file", "file_id": source.file_id}


def _write_document(part: Document, path: str, losses: Losses) -> dict[str, Any]:
    source = part.source
    if not isinstance(source, Inline) or source.media_type == _PDF:
        return _write_source(source, path, losses)
    if source.media_type.partition("/")[0] != "text":
        if losses.same:
            return _write_source(source, path, losses)
        raise losses.refuse(path, f"Only PDF and plain text are taken there, not {source.media_type}.")
    try:
        text = base64.b64decode(source.data, validate=True).decode()
    except (binascii.Error, ValueError):
        raise losses.refuse(path, "It is said to be text but is not base64 of UTF-8.") from None
    return {"type": "text", "media_type": source.media_type if losses.same else _PLAIN, "data": text}


# What OpenRouter calls the thoughts of this wire (openrouter.ai/docs/use-cases/reasoning-tokens).
_FORMAT = "anthropic-claude-v1"


def _write_thought(part: Reasoning, path: str, losses: Losses) -> dict[str, Any] | None:
    """A thought goes back only with the seal that this wire's provider put on it; without one it would be refused."""
    if not losses.same:
        origin = part.extra.get("format", _FORMAT)
        if (not part.signature and part.encrypted is None) or origin != _FORMAT:
            losses.drop(f"{path.rpartition('.')[0]}.reasoning")
            return None
    extra = part.extra if losses.same else {}
    return losses.restore(thinking_block(part.text, part.signature, part.encrypted), extra, path)


def thinking_block(text: str, signature: str | None, encrypted: str | None) -> dict[str, Any]:
    """A thought as a block. Clients expect a signature on each, so one that has none gets an empty one."""
    if encrypted is not None:
        return {"type": "redacted_thinking", "data": encrypted}
    return {"type": "thinking", "thinking": text, "signature": signature or ""}


def _write_call(part: ToolCall, path: str, losses: Losses) -> dict[str, Any]:
    if part.kind != "function":
        raise losses.refuse(path, "Calls with free text instead of JSON arguments are not known there.")
    arguments = read_arguments(part.arguments)
    if arguments is None:
        raise losses.refuse(path, "Its arguments are not a JSON object.")
    return losses.restore(call_block(part.id, part.name, arguments), part.extra, path)


def call_block(id_: str, name: str, arguments: Any) -> dict[str, Any]:
    """A call as a block."""
    return {"type": "tool_use", "id": write_call_id(id_), "name": name, "input": arguments}


def read_arguments(text: str) -> dict[str, Any] | None:
    """The arguments' text as an object: none at all is an empty one. None if it is not a JSON object."""
    if not text.strip():
        return {}
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None  # pyright: ignore[reportUnknownVariableType]


def _write_result(part: ToolResult, path: str, losses: Losses) -> dict[str, Any]:
    known: dict[str, Any] = {"type": "tool_result", "tool_use_id": write_call_id(part.call_id)}
    content = write_text(part.parts, f"{path}.content", losses)
    if content or (losses.same and part.parts):
        known["content"] = content
    if part.is_error:
        known["is_error"] = True
    return losses.restore(known, part.extra, path)
