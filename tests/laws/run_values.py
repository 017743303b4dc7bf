"""Requests and answers that a run can say exactly: one choice, and whatever of a chat has a place in it."""

from hypothesis import strategies as st
from msgspec import structs

from tallygate.dialects.openai_chat.tools import LEGACY_CALL, LEGACY_TOOL
from tallygate.genai.chat import ChatRequest, ChatResponse, Choice
from tallygate.genai.messages import ToolCall
from tests.laws import openai_chat_values

NAME = "run"
OPEN_MEMBERS = openai_chat_values.OPEN_MEMBERS


def requests() -> st.SearchStrategy[ChatRequest]:
    """A request as this dialect's reader would make it. Top-level members that nobody knows are refused at the door."""
    return openai_chat_values.requests().filter(_is_modern).map(_strip)


def _is_modern(request: ChatRequest) -> bool:
    choice = request.tool_choice
    older = any(LEGACY_TOOL in tool.extra for tool in request.tools) or (choice and LEGACY_CALL in choice.extra)
    return not older and 1 <= len(request.model) <= 256


def _strip(request: ChatRequest) -> ChatRequest:
    return structs.replace(
        request,
        n=None,
        logprobs=None,
        top_logprobs=None,
        modalities=(),
        include_usage=request.stream,
        extra={},
    )


def responses() -> st.SearchStrategy[ChatResponse]:
    """A whole answer as this dialect's reader would make it."""
    return openai_chat_values.responses().filter(lambda response: bool(response.choices)).map(_strip_answer)


def _strip_answer(response: ChatResponse) -> ChatResponse:
    return structs.replace(response, choices=(_strip_choice(response.choices[0]),), dialect=NAME, extra={})


def _strip_choice(choice: Choice) -> Choice:
    parts = tuple(part for part in choice.parts if not (isinstance(part, ToolCall) and LEGACY_CALL in part.extra))
    return structs.replace(
        choice, index=0, parts=parts, finish_reason=choice.finish_reason or "stop", logprobs=None, extra={}
    )
