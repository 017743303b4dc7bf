"""What a request asks of a model: each capability once, with the first field that asks for it."""

from typing import Any

import pytest

from tallygate.genai.catalog import Capabilities
from tallygate.genai.chat import ChatRequest, ReasoningOptions, ResponseFormat, Tool
from tallygate.genai.messages import Audio, Document, Image, Inline, Message, Part, Remote, Text, ToolResult
from tallygate.genai.needs import Need, find_needs, lacks

PICTURE = Image(Remote("https://example.com/a.png"))
PDF = Document(Inline("application/pdf", "JVBERi0="))
NOTES = Document(Inline("text/plain", "aGk="))
SOUND = Audio(Inline("audio/wav", "UklGRg=="))


def ask(*parts: Part, **more: Any) -> ChatRequest:
    return ChatRequest("m", (Message("user", parts),), **more)


@pytest.mark.parametrize(
    ("request_", "needs"),
    [
        (ask(Text("hi")), ()),
        (ask(NOTES), ()),
        (ask(Text("hi"), PICTURE, PICTURE), (Need("vision", "messages[0].content[1]"),)),
        (ask(SOUND), (Need("audio", "messages[0].content[0]"),)),
        (ask(NOTES, PDF), (Need("pdf", "messages[0].content[1]"),)),
        (ask(ToolResult("1", (Text(""), PICTURE))), (Need("vision", "messages[0].content[0].content[1]"),)),
        (ask(Text("hi"), tools=(Tool("f"),)), (Need("tools", "tools"),)),
        (ask(Text("hi"), response_format=ResponseFormat("text")), ()),
        (ask(Text("hi"), response_format=ResponseFormat("json_object")), (Need("json_mode", "response_format"),)),
        (ask(Text("hi"), response_format=ResponseFormat("json_schema")), (Need("json_schema", "response_format"),)),
        (ChatRequest("m", (), system=(PICTURE,)), (Need("vision", "system[0]"),)),
    ],
)
def test_needs_are_found(request_: ChatRequest, needs: tuple[Need, ...]) -> None:
    assert find_needs(request_) == needs


@pytest.mark.parametrize(
    ("options", "path"),
    [
        (ReasoningOptions(effort="high"), "reasoning.effort"),
        (ReasoningOptions(tokens_max=2_000), "reasoning.tokens_max"),
        (ReasoningOptions(enabled=True, tokens_max=2_000), "reasoning.tokens_max"),
        (ReasoningOptions(enabled=True), ""),
        (ReasoningOptions(enabled=True, effort="high"), ""),
        (ReasoningOptions(effort="none"), ""),
        (ReasoningOptions(enabled=False, effort="high"), ""),
        (ReasoningOptions(tokens_max=0), ""),
        (ReasoningOptions(summary="auto"), ""),
    ],
)
def test_only_a_demand_for_thought_is_a_need(options: ReasoningOptions, path: str) -> None:
    needs = find_needs(ask(Text("hi"), reasoning=options))
    assert [need.path for need in needs] == ([path] if path else [])


def test_only_what_is_known_to_be_missing_is_lacked() -> None:
    needs = (Need("vision", "a"), Need("tools", "b"), Need("audio", "c"))
    assert lacks(Capabilities(vision=True, tools=False), needs) == (needs[1],)
    assert lacks(Capabilities(), needs) == ()
