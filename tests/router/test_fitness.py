"""Targets that lack what is asked are left out; the last one's absence is a 400 that names the caller's field."""

from typing import Any

import msgspec
import pytest

from tallygate.dialects.registry import CLIENT_DIALECTS
from tallygate.errors import UnsupportedParameter
from tallygate.genai.catalog import Capabilities
from tallygate.genai.chat import ChatRequest
from tallygate.genai.plan import Plan, Target
from tallygate.providers.base import Provider
from tallygate.router.abilities import Abilities
from tallygate.router.fitness import keep_able

ROW = Provider(
    name="lab",
    title="Lab",
    base_url="http://lab",
    speaks={"openai_chat": "/v1/chat/completions"},
    capabilities={
        "seeing": Capabilities(vision=True, json_mode=True, json_schema=True, tools=True, reasoning=True),
        "blind": Capabilities(vision=False, audio=False, pdf=False),
        "deaf": Capabilities(audio=False, json_mode=False),
        "poor": Capabilities(vision=False, json_mode=False, json_schema=False, tools=False, reasoning=False),
    },
)
KNOWN = Abilities({"lab": ROW}, (), {})
SEEING, BLIND, DEAF, POOR, DARK = (Target("lab", name) for name in ("seeing", "blind", "deaf", "poor", "dark"))
PICTURE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}


def suit(
    *targets: Target, dialect: str = "openai_chat", body: bytes = b"", reads: list[bytes] | None = None, **more: Any
) -> Plan:
    codec = CLIENT_DIALECTS[dialect]
    if not body:
        said = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}], **more}
        body = msgspec.json.encode(said)

    def read(body: bytes) -> object:
        if reads is not None:
            reads.append(body)
        return codec.read_request(body)

    return keep_able(Plan("m", "chat", targets), KNOWN, codec.peek(body, 64), body, dialect, read)


def show(part: object) -> list[object]:
    return [{"role": "user", "content": [{"type": "text", "text": "what is it?"}, part]}]


def test_who_lacks_what_is_asked_is_left_out_with_the_reason() -> None:
    plan = suit(BLIND, SEEING, DARK, messages=show(PICTURE))
    assert plan.targets == (SEEING, DARK)
    assert [(item.target, item.reason) for item in plan.excluded] == [
        (BLIND, "cannot see pictures, which `messages[0].content[1]` asks for")
    ]


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"messages": show(PICTURE)}, "messages[0].content[1]"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}}, "response_format"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ({"functions": [{"name": "f"}]}, "tools"),
        ({"reasoning_effort": "high"}, "reasoning_effort"),
    ],
)
def test_where_nobody_is_left_the_field_and_the_model_are_named(members: dict[str, Any], param: str) -> None:
    with pytest.raises(UnsupportedParameter) as caught:
        suit(POOR, **members)
    assert caught.value.param == param
    assert caught.value.status == 400
    assert "The model m cannot" in caught.value.message
    assert f"`{param}`" in caught.value.message


def test_the_field_that_all_of_them_fail_is_named_first() -> None:
    with pytest.raises(UnsupportedParameter) as caught:
        suit(POOR, BLIND, messages=show(PICTURE), tools=[{"type": "function", "function": {"name": "f"}}])
    assert caught.value.param == "messages[0].content[1]"


def test_what_a_model_has_and_what_nobody_knows_is_passed_on() -> None:
    tool = {"type": "function", "function": {"name": "f"}}
    assert suit(SEEING, DARK, messages=show(PICTURE), tools=[tool]).targets == (SEEING, DARK)
    assert suit(BLIND, tools=[tool], response_format={"type": "json_object"}).targets == (BLIND,)


def test_a_call_is_not_read_for_what_its_dialect_has_no_words_for() -> None:
    reads: list[bytes] = []
    said = [{"role": "user", "content": "an audio file"}]
    assert suit(DEAF, dialect="anthropic_messages", reads=reads, messages=said).targets == (DEAF,)
    assert reads == []
    assert suit(DEAF, reads=reads, messages=said).targets == (DEAF,)
    assert len(reads) == 1


def test_a_plain_call_is_not_read() -> None:
    reads: list[bytes] = []
    assert suit(POOR, BLIND, reads=reads).targets == (POOR, BLIND)
    assert suit(DARK, SEEING, reads=reads, messages=show(PICTURE)).excluded == ()
    assert reads == []


def test_a_type_that_is_hidden_behind_escapes_is_found() -> None:
    body = rb'{"model":"m","messages":[{"role":"user","content":[{"type":"\u0069mage_url","\u0069mage_url":{"url":"https://a/b"}}]}]}'
    with pytest.raises(UnsupportedParameter):
        suit(BLIND, body=body)


def test_a_word_about_pictures_is_no_picture() -> None:
    assert suit(BLIND, messages=[{"role": "user", "content": "draw an image"}]).targets == (BLIND,)


@pytest.mark.parametrize("thinking", [{"type": "adaptive"}, {"type": "disabled"}, None])
def test_thinking_that_is_left_to_the_model_is_a_wish(thinking: object) -> None:
    plan = suit(POOR, dialect="anthropic_messages", thinking=thinking, output_config={"effort": "high"})
    assert plan.targets == (POOR,)


def test_a_budget_for_thinking_is_a_demand() -> None:
    with pytest.raises(UnsupportedParameter) as caught:
        suit(POOR, dialect="anthropic_messages", thinking={"type": "enabled", "budget_tokens": 2048}, max_tokens=4096)
    assert caught.value.param == "thinking"


def test_other_requests_than_chat_ask_for_nothing_here() -> None:
    body = b'{"model":"m","messages":[{"role":"user","content":"image"}]}'
    codec = CLIENT_DIALECTS["openai_chat"]
    plan = Plan("m", "embed", (BLIND,))
    assert keep_able(plan, KNOWN, codec.peek(body, 64), body, "openai_chat", lambda _: object()) is plan
    assert isinstance(codec.read_request(body), ChatRequest)
