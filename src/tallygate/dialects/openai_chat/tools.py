"""Tools, both ways: what a model may call, what it must call, and the calls it made.

Source: platform.openai.com/docs/api-reference/chat/create. The older `functions` and `function_call` are read as tools;
an `extra` with a member of that name marks them, so that they are written back as they came.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from tallygate.dialects.fields import Fields, overlay, without_none
from tallygate.dialects.losses import Losses
from tallygate.dialects.offered import keep_tools
from tallygate.genai.chat import Tool, ToolChoice
from tallygate.genai.messages import Extra, ToolCall

LEGACY_TOOL = "functions"
LEGACY_CALL = "function_call"

_NAMED = ("function", "custom")
_REPEATED = "parsed_arguments"
"""What the official client puts beside a call's arguments and sends back: the same as an object."""


def read_tools(fields: Fields) -> tuple[Tool, ...]:
    """`tools`, then the older `functions`, of a request."""
    tools = [_read_tool(Fields(item, f"{fields.at('tools')}[{i}]")) for i, item in enumerate(fields.array("tools"))]
    for i, item in enumerate(fields.array(LEGACY_TOOL)):
        inner = Fields(item, f"{fields.at(LEGACY_TOOL)}[{i}]")
        tools.append(replace(_read_function(inner), extra={LEGACY_TOOL: inner.rest()}))
    return tuple(tools)


def _read_tool(fields: Fields) -> Tool:
    kind = fields.text("type") or "function"
    if kind == "function":
        return replace(_read_function(fields.need_inside(kind)), extra=fields.rest())
    if kind == "custom" and "custom" in fields:
        inner = fields.need_inside(kind)
        name, description = inner.need_text("name"), inner.text("description")
        return Tool(name, kind=kind, description=description, extra=fields.rest())
    # A provider's own tool: what its members mean is between the client and that provider.
    return Tool(kind, kind=kind, extra=fields.rest())


def _read_function(inner: Fields) -> Tool:
    return Tool(
        inner.need_text("name"),
        description=inner.text("description"),
        parameters=inner.object("parameters"),
        strict=inner.flag("strict"),
    )


def write_tools(tools: Sequence[Tool], choice: ToolChoice | None, losses: Losses) -> dict[str, Any]:
    """The members that hold `tools`. Raises UnsupportedParameter for another dialect's built-in tool that matters."""
    newer: list[dict[str, Any]] = []
    older: list[dict[str, Any]] = []
    for tool, path in keep_tools(tools, choice, losses):
        if losses.same and LEGACY_TOOL in tool.extra:
            older.append(overlay(_write_function(tool), tool.extra[LEGACY_TOOL]))
        else:
            newer.append(_write_tool(tool, path, losses))
    return {name: items for name, items in (("tools", newer), (LEGACY_TOOL, older)) if items}


def _write_tool(tool: Tool, path: str, losses: Losses) -> dict[str, Any]:
    if tool.kind == "function":
        return losses.restore({"type": "function", "function": _write_function(tool)}, tool.extra, path)
    if tool.kind == "custom":
        inner = without_none({"name": tool.name, "description": tool.description})
        return losses.restore({"type": "custom", "custom": inner}, tool.extra, path)
    if not losses.same:
        raise losses.refuse(path, f"The tool {tool.kind} runs at its own provider and nowhere else.")
    return {"type": tool.kind, **tool.extra}


def _write_function(tool: Tool) -> dict[str, Any]:
    members = {"description": tool.description, "parameters": tool.parameters, "strict": tool.strict}
    return {"name": tool.name, **without_none(members)}


def read_choice(fields: Fields) -> ToolChoice | None:
    """`tool_choice`, or the older `function_call`, of a request."""
    for name in ("tool_choice", LEGACY_CALL):
        value = fields.look(name)
        if value is None:
            continue
        if isinstance(value, str):
            return _read_mode(fields, name)
        inner = fields.apart(name)
        if inner is not None:
            return _read_named(inner) if name == "tool_choice" else _read_legacy_choice(inner)
    return None


def _read_mode(fields: Fields, name: str) -> ToolChoice:
    match fields.take(name):
        case "auto":
            return ToolChoice("auto")
        case "none":
            return ToolChoice("none")
        case "required" | "any":  # `any`: docs.mistral.ai/capabilities/function_calling
            return ToolChoice("required")
        case _:
            raise fields.refuse("auto, none, required, or an object", name)


def _read_legacy_choice(fields: Fields) -> ToolChoice:
    name = fields.need_text("name")
    return ToolChoice("tool", (name,), extra={LEGACY_CALL: fields.rest()})


def _read_named(fields: Fields) -> ToolChoice:
    kind = fields.need_text("type")
    if kind in _NAMED:
        name = fields.need_inside(kind).need_text("name")
        return ToolChoice("tool", (name,), kind=kind, extra=fields.rest())
    if kind != "allowed_tools":
        raise fields.refuse("function, custom or allowed_tools", "type")
    inner = fields.need_inside(kind)
    mode = inner.need_text("mode")
    if mode not in ("auto", "required"):
        raise inner.refuse("auto or required", "mode")
    path = inner.at("tools")
    tools = [Fields(item, f"{path}[{index}]") for index, item in enumerate(inner.array("tools"))]
    kinds = [tool.need_text("type") for tool in tools]
    if strange := next((tool for tool, kind in zip(tools, kinds, strict=True) if kind not in _NAMED), None):
        raise strange.refuse("function or custom", "type")
    names = tuple(tool.need_inside(kind).need_text("name") for tool, kind in zip(tools, kinds, strict=True))
    extra = fields.rest()
    if any(left := [tool.rest() for tool in tools]):
        extra = {**extra, kind: {**extra.get(kind, {}), "tools": left}}
    only_custom = bool(kinds) and set(kinds) == {"custom"}
    return ToolChoice(
        "allowed_auto" if mode == "auto" else "allowed_required",
        names,
        kind="custom" if only_custom else "function",
        extra=extra,
    )


def write_choice(choice: ToolChoice | None, tools: Iterable[Tool], losses: Losses) -> dict[str, Any]:
    """The member that says `choice`. `tools` tell whether it is said in the older way, and what kind each name is."""
    if choice is None:
        return {}
    tools = tuple(tools)
    if losses.same and _is_legacy(choice, tools):
        rest = choice.extra.get(LEGACY_CALL, {})
        return {LEGACY_CALL: overlay({"name": choice.names[0]}, rest) if choice.mode == "tool" else choice.mode}
    if not losses.same and choice.kind not in _NAMED:
        raise losses.refuse("tool_choice", f"Tools of type {choice.kind} are not known there.")
    if choice.mode in ("auto", "none", "required"):
        return {"tool_choice": choice.mode}
    if choice.mode == "tool":
        known: dict[str, Any] = {"type": choice.kind, choice.kind: {"name": choice.names[0]}}
    else:
        kinds = {tool.name: tool.kind for tool in tools if tool.kind in _NAMED}
        named = [(kinds.get(name, choice.kind), name) for name in choice.names]
        items = [{"type": kind, kind: {"name": name}} for kind, name in named]
        mode = choice.mode.removeprefix("allowed_")
        known = {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": items}}
    extra = {name: value for name, value in choice.extra.items() if name != LEGACY_CALL}
    return {"tool_choice": losses.restore(known, extra, "tool_choice")}


def _is_legacy(choice: ToolChoice, tools: Sequence[Tool]) -> bool:
    older = bool(tools) and all(LEGACY_TOOL in tool.extra for tool in tools)
    return older and (choice.mode in ("auto", "none") or LEGACY_CALL in choice.extra)


def read_calls(fields: Fields, made_id: str) -> tuple[ToolCall, ...]:
    """`tool_calls`, then the older `function_call`, of a message. Calls without an id get one that begins `made_id`."""
    path = fields.at("tool_calls")
    calls = [
        read_call(Fields(item, f"{path}[{index}]", fields.wrong), f"{made_id}_{index}")
        for index, item in enumerate(fields.array("tool_calls"))
    ]
    older = fields.apart(LEGACY_CALL)
    if older is not None:
        name, arguments = older.need_text("name"), read_arguments(older, "arguments")
        calls.append(ToolCall(f"{made_id}_{len(calls)}", name, arguments, extra={LEGACY_CALL: older.rest()}))
    return tuple(calls)


def read_call(fields: Fields, made_id: str) -> ToolCall:
    """One item of `tool_calls`. `index`, which some providers repeat in whole answers, is its place in the list."""
    kind = fields.text("type") or "function"
    if kind not in _NAMED:
        raise fields.refuse("function or custom", "type")
    fields.take("index")
    inner = fields.need_inside(kind)
    repeated = {_REPEATED: inner.take(_REPEATED)} if _REPEATED in inner else {}
    return ToolCall(
        id=fields.text("id") or made_id,
        name=inner.need_text("name"),
        arguments=read_arguments(inner, "input" if kind == "custom" else "arguments"),
        kind="custom" if kind == "custom" else "function",
        extra={**repeated, **fields.rest()},
    )


def read_arguments(fields: Fields, name: str) -> str:
    """The arguments' text. Some providers send the object itself: then its JSON."""
    value = fields.look(name)
    if isinstance(value, dict):
        return msgspec.json.encode(fields.take(name)).decode()
    return fields.text(name) or ""


def write_calls(calls: Sequence[ToolCall], path: str, losses: Losses) -> dict[str, Any]:
    """The members of an assistant's message that hold its calls."""
    members: dict[str, Any] = {}
    items: list[dict[str, Any]] = []
    for index, call in enumerate(calls):
        if losses.same and LEGACY_CALL in call.extra and LEGACY_CALL not in members:
            members[LEGACY_CALL] = write_legacy_call(call)
        else:
            items.append(losses.restore(write_call(call), call.extra, f"{path}.tool_calls[{index}]"))
    return {"tool_calls": items, **members} if items else members


def write_call(call: ToolCall) -> dict[str, Any]:
    """One item of `tool_calls`, without its extra."""
    argument = "input" if call.kind == "custom" else "arguments"
    return {"id": call.id, "type": call.kind, call.kind: {"name": call.name, argument: call.arguments}}


def write_legacy_call(call: ToolCall) -> dict[str, Any]:
    """The older `function_call` of a message."""
    rest: Extra = call.extra[LEGACY_CALL]
    return overlay({"name": call.name, "arguments": call.arguments}, rest)
