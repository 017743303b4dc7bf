"""Tools, both ways: what a model may call and what it must call.

Functions of a namespace are read as functions of their joined names, each with its namespace's own members under
``namespace``. A tool that is neither function nor custom is the provider's own or only its wire's; it is kept whole.
Source: developers.openai.com/api/reference/responses (tools, tool_choice).
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Final, cast

from msgspec import structs

from tallygate.dialects.fields import Fields, without_none
from tallygate.dialects.losses import Losses
from tallygate.dialects.openai_responses.additional import list_additional, note_item
from tallygate.dialects.openai_responses.names import join_name, split_name
from tallygate.genai.chat import Tool, ToolChoice
from tallygate.genai.messages import Extra

_NAMESPACE: Final = "namespace"
_NAMED: Final = ("function", "custom")
_PLAIN_TEXT: Final = {"type": "text"}
"""The format of a custom tool's input if none is given."""


def read_tools(fields: Fields) -> tuple[Tool, ...]:
    """`tools` of a request, and those that its `input` adds, which must not be taken yet."""
    return (*_read_list(fields), *_read_additional(fields))


def _read_list(fields: Fields) -> Iterator[Tool]:
    items = (Fields(item, f"{fields.at('tools')}[{index}]") for index, item in enumerate(fields.array("tools")))
    return (tool for item in items for tool in _read_tools(item))


def _read_additional(fields: Fields) -> Iterator[Tool]:
    for index, item in list_additional(fields.look("input")):
        inner = Fields(item, f"{fields.at('input')}[{index}]", fields.wrong)
        inner.take("type")
        tools = tuple(_read_list(inner))
        members = inner.rest()
        yield from (note_item(tool, index, members) for tool in tools)


def _read_tools(fields: Fields) -> Iterator[Tool]:
    """The tools of one item: one, or those of a namespace."""
    if fields.look("type") != _NAMESPACE or not fields.look("tools"):
        yield _read_tool(fields)
        return
    fields.take("type")
    namespace = fields.need_text("name")
    inner = [Fields(item, f"{fields.at('tools')}[{i}]") for i, item in enumerate(fields.array("tools"))]
    shared = {"name": namespace, **fields.rest()}
    for tool in map(_read_tool, inner):
        yield structs.replace(tool, name=join_name(namespace, tool.name), extra={**tool.extra, _NAMESPACE: shared})


def _read_tool(fields: Fields) -> Tool:
    kind = fields.need_text("type")
    if kind == "function":
        return Tool(
            fields.need_text("name"),
            description=fields.text("description"),
            parameters=fields.object("parameters"),
            # Where nothing is said the provider tries to be strict, which no other wire does and none can ask for.
            strict=fields.flag("strict") or None,
            extra=fields.rest(),
        )
    if kind == "custom":
        if fields.look("format") == _PLAIN_TEXT:
            fields.take("format")
        name, description = fields.need_text("name"), fields.text("description")
        return Tool(name, kind=kind, description=description, extra=fields.rest())
    return Tool(kind, kind=kind, extra=fields.rest())


def write_tools(tools: Sequence[Tool], losses: Losses) -> list[dict[str, Any]] | None:
    """The member `tools`. Raises UnsupportedParameter for another dialect's tool that runs at its provider."""
    placed = [(tool, f"tools[{index}]") for index, tool in enumerate(tools)]
    if not losses.same:
        return [_write_tool(tool, path, losses) for tool, path in placed] or None
    written: list[dict[str, Any]] = []
    for shared, group in groupby(placed, lambda place: _find_namespace(place[0])):
        if shared is None:
            written += [_write_tool(tool, path, losses) for tool, path in group]
        else:
            bare = [(_take_out(tool, shared["name"]), path) for tool, path in group]
            inner = [_write_tool(tool, path, losses) for tool, path in bare]
            written.append({"type": _NAMESPACE, **shared, "tools": inner})
    return written or None


def _find_namespace(tool: Tool) -> Extra | None:
    """The members of the namespace that a tool stands in, but for its tools; None if it stands in none."""
    shared: Any = tool.extra.get(_NAMESPACE)
    named = isinstance(shared, dict) and isinstance(cast("Extra", shared).get("name"), str)
    return cast("Extra", shared) if named else None


def _take_out(tool: Tool, namespace: str) -> Tool:
    """A tool as it stands within its namespace."""
    extra = {name: value for name, value in tool.extra.items() if name != _NAMESPACE}
    name = split_name(namespace, tool.name) if tool.kind in _NAMED else tool.kind
    return structs.replace(tool, name=name, extra=extra)


def _write_tool(tool: Tool, path: str, losses: Losses) -> dict[str, Any]:
    if tool.kind == "function":
        known: dict[str, Any] = {"type": "function", "name": tool.name, "parameters": tool.parameters}
        known |= without_none({"description": tool.description})
        known["strict"] = bool(tool.strict)
        return losses.restore(known, tool.extra, path)
    if tool.kind == "custom":
        known = without_none({"type": "custom", "name": tool.name, "description": tool.description})
        return losses.restore(known, tool.extra, path)
    if not losses.same:
        raise losses.refuse(path, f"The tool {tool.kind} runs at its own provider and nowhere else.")
    return {"type": tool.kind, **tool.extra}


def read_choice(fields: Fields) -> ToolChoice | None:
    """`tool_choice` of a request."""
    value = fields.look("tool_choice")
    if value is None:
        return None
    if isinstance(value, str):
        match fields.take("tool_choice"):
            case "auto" | "none" | "required" as mode:
                return ToolChoice(mode)
            case _:
                raise fields.refuse("auto, none, required, or an object", "tool_choice")
    inner = fields.apart("tool_choice")
    assert inner is not None, "it was just looked at"
    kind = inner.need_text("type")
    if kind == "allowed_tools":
        return _read_allowed(inner)
    if kind in _NAMED:
        return ToolChoice("tool", (_read_name(inner),), kind=kind, extra=inner.rest())
    return ToolChoice("tool", (kind,), kind=kind, extra=inner.rest())


def _read_name(fields: Fields) -> str:
    namespace = fields.look(_NAMESPACE)
    return join_name(namespace if isinstance(namespace, str) else None, fields.need_text("name"))


def _read_allowed(fields: Fields) -> ToolChoice:
    mode = fields.need_text("mode")
    if mode not in ("auto", "required"):
        raise fields.refuse("auto or required", "mode")
    wanted = "allowed_auto" if mode == "auto" else "allowed_required"
    raw = fields.array("tools")
    tools = [Fields(item, f"{fields.at('tools')}[{index}]") for index, item in enumerate(raw)]
    kinds = {tool.need_text("type") for tool in tools}
    if len(kinds) > 1 or not kinds <= set(_NAMED):
        # Of several kinds, or the provider's own: only this wire can say that, so they stay as they are.
        return ToolChoice(wanted, kind="", extra={"tools": raw, **fields.rest()})
    names = tuple(_read_name(tool) for tool in tools)
    extra = fields.rest()
    if any(left := [tool.rest() for tool in tools]):
        extra["tools"] = left
    return ToolChoice(wanted, names, kind=next(iter(kinds), "function"), extra=extra)


def write_choice(choice: ToolChoice | None, tools: Sequence[Tool], losses: Losses) -> str | dict[str, Any] | None:
    """The member `tool_choice`. `tools` tell of which kind each name is."""
    if choice is None:
        return None
    if choice.mode in ("auto", "none", "required"):
        losses.restore({}, choice.extra, "tool_choice")
        return choice.mode
    if choice.mode == "tool":
        if choice.kind not in _NAMED and not losses.same:
            raise losses.refuse("tool_choice", f"Tools of type {choice.kind} are not known there.")
        known: dict[str, Any] = {"type": choice.kind}
        if choice.kind in _NAMED:
            known["name"] = _write_name(choice.names[0], choice.extra)
        return losses.restore(known, choice.extra, "tool_choice")
    known = {"type": "allowed_tools", "mode": choice.mode.removeprefix("allowed_")}
    if choice.kind in _NAMED:
        known["tools"] = list(_write_allowed(choice, tools))
    return losses.restore(known, choice.extra, "tool_choice")


def _write_allowed(choice: ToolChoice, tools: Sequence[Tool]) -> Iterator[dict[str, Any]]:
    kinds = {tool.name: tool.kind for tool in tools if tool.kind in _NAMED}
    nothing: list[Extra] = [{}] * len(choice.names)
    left: list[Extra] = choice.extra.get("tools") or nothing
    for name, extra in zip(choice.names, left, strict=False):
        yield {"type": kinds.get(name, choice.kind), "name": _write_name(name, extra)}


def _write_name(name: str, extra: Extra) -> str:
    namespace = extra.get(_NAMESPACE)
    return split_name(namespace if isinstance(namespace, str) else None, name)
