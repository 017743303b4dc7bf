"""Answers to a prompt: a choice has its words as `text`, and what else a chat's message would hold beside it.

The form is that of platform.openai.com/docs/api-reference/completions/object. Both ways, whole answers and the chunks
of a stream alike; what is not of this form passes as it is, for the reader of chats to refuse.
"""

from typing import Any, Final, cast

OBJECT: Final = "text_completion"

_TEXT: Final = "text"
_MESSAGES: Final = ("message", "delta")
_BESIDE: Final = ("refusal", "reasoning_content", "reasoning", "reasoning_details", "tool_calls", "function_call")
"""Members of a message that stand beside the text."""


def to_text(answer: dict[str, Any]) -> dict[str, Any]:
    """A chat's answer, or a chunk of one, as that to a prompt."""
    return {**answer, "object": OBJECT, "choices": [_to_text(choice) for choice in answer["choices"]]}


def _to_text(choice: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = next(choice[name] for name in _MESSAGES if name in choice)
    beside = {name: value for name, value in message.items() if value is not None and name not in ("role", "content")}
    rest = {name: value for name, value in choice.items() if name not in _MESSAGES}
    return {"index": choice["index"], _TEXT: message.get("content") or "", **beside, **rest}


def to_chat(answer: Any, message: str) -> Any:
    """An answer to a prompt as a chat's. `message`: how a choice calls what is said, whole or in a chunk."""
    if not isinstance(answer, dict):
        return answer
    members = cast(dict[str, Any], answer)
    choices = members.get("choices")
    if not isinstance(choices, list):
        return members
    return {**members, "choices": [_to_chat(choice, message) for choice in cast(list[Any], choices)]}


def _to_chat(choice: Any, message: str) -> Any:
    if not isinstance(choice, dict):
        return choice
    members = cast(dict[str, Any], choice)
    said = {name: members[name] for name in _BESIDE if name in members}
    if members.get(_TEXT):
        said["content"] = members[_TEXT]
    rest = {name: value for name, value in members.items() if name != _TEXT and name not in said}
    return {**rest, message: said}
