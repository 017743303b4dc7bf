"""Every text in a request or an answer, wherever in it: to be read, or to have something put in its place.

Values in, values out; what is not changed stays the same object. What is sealed or encoded (signatures, pictures, ids)
is no text and is left alone, and so are URLs.
"""

import base64
import binascii
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar, cast

from msgspec.structs import replace

from tallygate.access.guardrails.base import Facts
from tallygate.genai.chat import ChatRequest, ChatResponse, Choice, ResponseFormat, Tool
from tallygate.genai.embeddings import EmbedRequest
from tallygate.genai.messages import (
    Document,
    Extra,
    Image,
    Inline,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)


class Edit(Protocol):
    """What becomes of one text. `quoted`: it is JSON that a model wrote."""

    def __call__(self, text: str, *, quoted: bool = False) -> str:
        """The text, or what stands in its place."""
        ...


_SEALED: Final = frozenset({
    "call_id", "data", "encrypted_content", "encrypted_index", "file_data", "file_id", "id", "signature",
    "thought_signature", "tool_use_id", "type", "url",
})  # fmt: skip
"""Members that nobody has a name for, and that hold no text."""

_Item = TypeVar("_Item")


def edit_chat(request: ChatRequest, edit: Edit) -> ChatRequest:
    """A request with every text in it edited: what is said, what tools are told to be, what they gave back."""
    changes: dict[str, Any] = {
        "system": _each(request.system, lambda part: edit_part(part, edit)),
        "messages": _each(request.messages, lambda message: _edit_message(message, edit)),
        "tools": _each(request.tools, lambda tool: _edit_tool(tool, edit)),
        "response_format": _edit_format(request.response_format, edit),
        "metadata": edit_json(request.metadata, edit),
        "user": request.user and edit(request.user),
        "stop": _each(request.stop, edit),
        "extra": edit_json(request.extra, edit),
    }
    return _change(request, changes)


def edit_embed(request: EmbedRequest, edit: Edit) -> EmbedRequest:
    """A request for embeddings with every text in it edited. What its caller has made tokens of is no text."""
    inputs = request.inputs
    if inputs and isinstance(inputs[0], str):
        inputs = _each(cast("tuple[str, ...]", inputs), edit)
    user = request.user and edit(request.user)
    return _change(request, {"inputs": inputs, "user": user, "extra": edit_json(request.extra, edit)})


def edit_answer(response: ChatResponse, edit: Edit) -> ChatResponse:
    """An answer with every text in it edited. Log probabilities spell the same text once more, and are left out."""
    choices = _each(response.choices, lambda choice: _edit_choice(choice, edit))
    return _change(response, {"choices": choices, "extra": edit_json(response.extra, edit)})


def _edit_choice(choice: Choice, edit: Edit) -> Choice:
    parts = _each(choice.parts, lambda part: edit_part(part, edit))
    return _change(choice, {"parts": parts, "logprobs": None, "extra": edit_json(choice.extra, edit)})


def _edit_message(message: Message, edit: Edit) -> Message:
    parts = _each(message.parts, lambda part: edit_part(part, edit))
    name = message.name and edit(message.name)
    return _change(message, {"parts": parts, "name": name, "extra": edit_json(message.extra, edit)})


def _edit_tool(tool: Tool, edit: Edit) -> Tool:
    changes: dict[str, Any] = {
        "description": tool.description and edit(tool.description),
        "parameters": edit_json(tool.parameters, edit),
        "extra": edit_json(tool.extra, edit),
    }
    return _change(tool, changes)


def _edit_format(wanted: ResponseFormat | None, edit: Edit) -> ResponseFormat | None:
    if wanted is None:
        return None
    description = wanted.description and edit(wanted.description)
    schema = edit_json(wanted.schema, edit)
    return _change(wanted, {"description": description, "schema": schema, "extra": edit_json(wanted.extra, edit)})


def edit_part(part: Part, edit: Edit) -> Part:
    """One part with every text in it edited."""
    changes: dict[str, Any] = {"extra": edit_json(part.extra, edit)} if part.extra else {}
    match part:
        case Text() | Refusal() | Reasoning():
            if part.text:
                changes["text"] = edit(part.text)
        case ToolCall():
            if part.arguments:
                changes["arguments"] = edit(part.arguments, quoted=part.kind == "function")
        case ToolResult():
            changes["parts"] = _each(part.parts, lambda inner: edit_part(inner, edit))
        case Document():
            changes["source"] = _edit_source(part, edit)
            changes["filename"] = part.filename and edit(part.filename)
        case _:
            pass
    return _change(part, changes) if changes else part


def _edit_source(document: Document, edit: Edit) -> object:
    """A document that is plain text is one; of others nobody here can read anything."""
    source = document.source
    if not isinstance(source, Inline) or not source.media_type.startswith("text/"):
        return source
    try:
        text = base64.b64decode(source.data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return source
    edited = edit(text)
    return source if edited is text else replace(source, data=base64.b64encode(edited.encode()).decode())


def edit_json(value: Any, edit: Edit) -> Any:
    """A JSON value with every text in it edited, but for what is sealed."""
    match value:
        case str():
            return value if value.startswith("data:") else edit(value)
        case dict():
            members = cast("Extra", value)
            edited = {key: one if key in _SEALED else edit_json(one, edit) for key, one in members.items()}
            return members if all(edited[key] is members[key] for key in members) else edited
        case list():
            items = cast("list[Any]", value)
            edited_items = [edit_json(item, edit) for item in items]
            return items if all(map(_same, items, edited_items)) else edited_items
        case _:
            return value


def count_request(request: ChatRequest | EmbedRequest, texts: list[str], models: tuple[str, ...]) -> Facts:
    """What is counted and named in a request; `texts` are those in it."""
    characters = sum(map(len, texts))
    if isinstance(request, EmbedRequest):
        return Facts(models=models, characters=characters, messages=len(request.inputs))
    named = [
        name for tool in request.tools for name in (tool.name, tool.kind) if name not in ("", "function", "custom")
    ]
    parts = [*request.system, *(part for message in request.messages for part in message.parts)]
    return Facts(
        models=models,
        tools=tuple(named),
        characters=characters,
        messages=len(request.messages),
        images=_count_images(parts),
    )


def count_answer(response: ChatResponse, texts: list[str]) -> Facts:
    """What is counted and named in an answer; `texts` are those in it."""
    parts = [part for choice in response.choices for part in choice.parts]
    names = [name for part in parts if (name := _name_tool(part))]
    return Facts(
        tools=tuple(names), characters=sum(map(len, texts)), messages=len(response.choices), images=_count_images(parts)
    )


def name_opaque_tool(kind: str, extra: Extra) -> str:
    """The tool that a part of one dialect alone calls; empty if it calls none."""
    if not kind.endswith(("_use", "_call")):
        return ""
    name = extra.get("name")
    return name if isinstance(name, str) else kind


def _name_tool(part: Part) -> str:
    match part:
        case ToolCall():
            return part.name
        case Opaque():
            return name_opaque_tool(part.kind, part.extra)
        case _:
            return ""


def _count_images(parts: list[Part]) -> int:
    count = 0
    for part in parts:
        if isinstance(part, Image):
            count += 1
        elif isinstance(part, ToolResult):
            count += _count_images(list(part.parts))
    return count


def _same(one: object, other: object) -> bool:
    return one is other


def _each(items: tuple[_Item, ...], edit: Callable[[_Item], _Item]) -> tuple[_Item, ...]:
    edited = tuple(map(edit, items))
    return items if all(map(_same, items, edited)) else edited


def _change(value: _Item, changes: dict[str, Any]) -> _Item:
    """The value with changes; itself where nothing does change."""
    made = {name: new for name, new in changes.items() if new is not getattr(value, name)}
    return replace(cast("Any", value), **made) if made else value
