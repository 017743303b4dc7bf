"""Tools, both ways: what a model may call and what it must call.

Source: platform.claude.com/docs/en/agents-and-tools/tool-use/overview. A tool with a type of its own runs at the
provider; it is kept whole, and goes to no other dialect.
"""

from collections.abc import Sequence
from typing import Any

from tallygate.dialects.fields import Fields, without_none
from tallygate.dialects.losses import Losses
from tallygate.dialects.offered import keep_tools
from tallygate.genai.chat import Tool, ToolChoice

_OWN = "custom"
"""This wire's word for a tool the caller runs, which a tool need not say."""

_WRITTEN = {"auto": "auto", "none": "none", "required": "any", "allowed_auto": "auto", "allowed_required": "any"}


def read_tools(fields: Fields) -> tuple[Tool, ...]:
    """`tools` of a request."""
    return tuple(_read_tool(Fields(item, f"{fields.at('tools')}[{i}]")) for i, item in enumerate(fields.array("tools")))


def _read_tool(fields: Fields) -> Tool:
    kind = fields.text("type")
    if kind is not None and kind != _OWN:
        name = fields.look("name")
        return Tool(name if isinstance(name, str) else kind, kind=kind, extra=fields.rest())
    return Tool(
        fields.need_text("name"),
        description=fields.text("description"),
        parameters=fields.object("input_schema"),
        strict=fields.flag("strict"),
        extra=fields.rest(),
    )


def write_tools(tools: Sequence[Tool], choice: ToolChoice | None, losses: Losses) -> list[dict[str, Any]] | None:
    """The member `tools`. A choice that allows some tools only is kept by giving only those.

    Raises UnsupportedParameter for another dialect's tool that is not a function and matters.
    """
    allowed = set(choice.names) if choice is not None and choice.mode.startswith("allowed_") else None
    written = [_write_tool(tool, path, losses) for tool, path in keep_tools(tools, choice, losses)]
    return [tool for tool in written if allowed is None or tool["name"] in allowed] or None


def _write_tool(tool: Tool, path: str, losses: Losses) -> dict[str, Any]:
    if tool.kind != "function":
        if losses.same:
            return {"type": tool.kind, **tool.extra}
        raise losses.refuse(path, f"Tools of type {tool.kind} are not known there.")
    schema = tool.parameters
    if not losses.same:
        schema = {"type": "object", **(schema or {"properties": {}})}
    known = {"name": tool.name, "description": tool.description, "input_schema": schema, "strict": tool.strict}
    return losses.restore(without_none(known), tool.extra, path)


def read_choice(fields: Fields) -> tuple[ToolChoice | None, bool | None]:
    """`tool_choice` of a request, and whether tools may be called in parallel."""
    inner = fields.apart("tool_choice")
    if inner is None:
        return None, None
    word = inner.need_text("type")
    alone = inner.flag("disable_parallel_tool_use")
    parallel = None if alone is None else not alone
    match word:
        case "auto" | "none":
            return ToolChoice(word, extra=inner.rest()), parallel
        case "any":
            return ToolChoice("required", extra=inner.rest()), parallel
        case "tool":
            return ToolChoice("tool", (inner.need_text("name"),), extra=inner.rest()), parallel
        case _:
            raise inner.refuse("auto, any, tool or none", "type")


def write_choice(
    choice: ToolChoice | None, parallel: bool | None, losses: Losses, *, any_tools: bool
) -> dict[str, Any] | None:
    """The member `tool_choice`, which also holds whether calls may be parallel.

    Raises UnsupportedParameter for the choice of a tool that is not a function. Without tools another dialect's choice
    says nothing.
    """
    if not losses.same and not any_tools:
        losses.restore({}, choice.extra if choice is not None else {}, "tool_choice")
        return None
    if choice is None:
        # Parallel calls are the rule here: only their absence needs a word.
        return {"type": "auto", "disable_parallel_tool_use": True} if parallel is False else None
    known: dict[str, Any] = {"type": _WRITTEN.get(choice.mode, "tool")}
    if choice.mode == "tool":
        known["name"] = choice.names[0]
        if choice.kind != "function":
            raise losses.refuse("tool_choice", f"Tools of type {choice.kind} are not known there.")
    if parallel is not None and (choice.mode != "none" or losses.same):
        known["disable_parallel_tool_use"] = not parallel
    return losses.restore(known, choice.extra, "tool_choice")
