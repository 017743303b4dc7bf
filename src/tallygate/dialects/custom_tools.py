"""Custom tools, which a model calls with free text, in requests to wires that know functions only.

They are carried as functions of one text where the caller's own dialect turns the calls back. The grammar of a text is
told to the model in words; that nobody holds it to them there is named as dropped.
Source: developers.openai.com/api/docs/guides/function-calling (custom tools).
"""

from typing import Any, Final, cast

import msgspec
from msgspec.structs import replace

from tallygate.dialects.losses import Losses
from tallygate.genai.chat import ChatRequest, Tool, ToolChoice
from tallygate.genai.messages import Message, Part, ToolCall

INPUT: Final = "input"
"""The one argument of such a function."""

CARRIED_CHARACTERS_MAX: Final = 256
"""How much longer a tool is as a function, at most."""

_TURNING_BACK: Final = frozenset({"openai_responses"})
"""Dialects whose answers make calls of custom tools again out of calls of these functions."""

_CUSTOM: Final = "custom"
_FORMAT: Final = "format"


def carry_as_functions(request: ChatRequest, losses: Losses) -> ChatRequest:
    """The request with its custom tools, and their calls so far, as functions, if its dialect turns calls back."""
    if request.dialect not in _TURNING_BACK:
        return request
    return replace(
        request,
        tools=tuple(_carry_tool(tool, losses) if tool.kind == _CUSTOM else tool for tool in request.tools),
        tool_choice=_carry_choice(request.tool_choice),
        messages=tuple(map(_carry_calls, request.messages)),
    )


def _carry_tool(tool: Tool, losses: Losses) -> Tool:
    extra = dict(tool.extra)
    text = {"type": "string"}
    if (told := _tell_grammar(extra.get(_FORMAT))) is not None:
        del extra[_FORMAT]
        losses.drop(f"tools.{_FORMAT}")
        text["description"] = told
    schema = {"type": "object", "properties": {INPUT: text}, "required": [INPUT], "additionalProperties": False}
    return Tool(tool.name, description=tool.description, parameters=schema, extra=extra)


def _tell_grammar(value: Any) -> str | None:
    """What the text must be like, in words; None for what is no grammar."""
    members = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    match members:
        case {"type": "grammar", "syntax": str(syntax), "definition": str(definition)}:
            return f"Plain text that this {syntax} grammar describes:\n{definition}"
        case _:
            return None


def _carry_choice(choice: ToolChoice | None) -> ToolChoice | None:
    return replace(choice, kind="function") if choice is not None and choice.kind == _CUSTOM else choice


def _carry_calls(message: Message) -> Message:
    if not any(isinstance(part, ToolCall) and part.kind == _CUSTOM for part in message.parts):
        return message
    return replace(message, parts=tuple(map(_carry_call, message.parts)))


def _carry_call(part: Part) -> Part:
    if not isinstance(part, ToolCall) or part.kind != _CUSTOM:
        return part
    return replace(part, kind="function", arguments=msgspec.json.encode({INPUT: part.arguments}).decode())
