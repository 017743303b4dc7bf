"""Tools that an input adds: tools like others where a wire has one place for them, and back in their items here."""

from typing import Any

import msgspec
import pytest

from tallygate.dialects.openai_responses.request import read_request, write_request
from tallygate.dialects.openai_responses.response import write_response
from tallygate.errors import MissingField, UnsupportedParameter
from tallygate.genai.chat import ChatResponse, Choice
from tallygate.genai.messages import ToolCall
from tests.fakes.tongues import CHATS

LOOK = {"type": "function", "name": "look", "parameters": {"type": "object"}, "strict": False}
EXEC = {"type": "custom", "name": "exec", "description": "Runs."}
SPACE = {"type": "namespace", "name": "functions", "description": "", "tools": [EXEC]}
FIRST = {"type": "additional_tools", "id": "at_1", "role": "developer", "tools": [SPACE, LOOK]}
LATER = {"type": "additional_tools", "role": "developer", "tools": [{**LOOK, "name": "see"}]}
HI = {"type": "message", "role": "user", "content": "Hi"}
SAID = {"type": "message", "role": "assistant", "content": "Yes."}


def encode(*items: Any, **members: Any) -> bytes:
    return msgspec.json.encode({"model": "m", "input": items, "max_output_tokens": 9, **members})


def test_they_are_tools_of_the_request() -> None:
    request = read_request(encode(FIRST, HI, SAID, LATER, HI, tools=[{**LOOK, "name": "beside"}]))
    assert [tool.name for tool in request.tools] == ["beside", "functions__exec", "look", "see"]
    assert [message.role for message in request.messages] == ["user", "assistant", "user"]


def test_on_their_own_wire_they_are_written_where_they_stood() -> None:
    body = encode(FIRST, HI, SAID, LATER, HI)
    written = msgspec.json.decode(write_request(read_request(body)).body)
    assert written["input"] == [FIRST, HI, SAID, LATER, HI]
    assert "tools" not in written


@pytest.mark.parametrize("dialect", ["openai_chat", "anthropic_messages"])
def test_elsewhere_they_stand_with_the_others_and_their_place_is_dropped(dialect: str) -> None:
    written = CHATS[dialect].write_request(read_request(encode(FIRST, HI, LATER, HI)))
    tools = msgspec.json.decode(written.body)["tools"]
    assert [(tool.get("function") or tool)["name"] for tool in tools] == ["functions__exec", "look", "see"]
    assert {"tools.additional", "tools.namespace"} <= set(written.dropped)


def test_calls_of_them_are_told_as_what_they_are() -> None:
    calls = (ToolCall("c1", "functions__exec", '{"input":"text(1)"}'), ToolCall("c2", "look", "{}"))
    answer = ChatResponse("a", "m", 0, (Choice(0, calls),), dialect="elsewhere")
    one, two = msgspec.json.decode(write_response(answer, encode(FIRST, HI)))["output"]
    assert (one["type"], one["namespace"], one["name"], one["input"]) == (
        *("custom_tool_call", "functions", "exec", "text(1)"),
    )
    assert (two["type"], two["name"]) == ("function_call", "look")


def test_what_is_wrong_in_them_is_named_by_its_place() -> None:
    with pytest.raises(MissingField) as caught:
        read_request(encode(HI, {**LATER, "tools": [{"type": "function"}]}))
    assert caught.value.param == "input[1].tools[0].name"


def test_an_item_that_adds_nothing_stays_an_item() -> None:
    body = encode({**LATER, "tools": []}, HI)
    assert msgspec.json.decode(write_request(read_request(body)).body)["input"][0]["tools"] == []
    with pytest.raises(UnsupportedParameter):
        CHATS["openai_chat"].write_request(read_request(body))
