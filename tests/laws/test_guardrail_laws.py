"""An answer past its guardrails says the same whether it came whole or as a stream, however that was cut, in every
dialect that clients speak; and of what is blocked nothing is ever told.
"""

from collections.abc import Sequence
from itertools import pairwise, product
from typing import Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tallygate.access.guardrails.registry import Guardrails
from tallygate.access.guardrails.rules import Guard
from tallygate.access.guardrails.settings import GuardrailSettings
from tallygate.dialects.base import Streaming
from tallygate.errors import GuardrailBlocked
from tallygate.genai.chat import ChatResponse
from tallygate.genai.messages import Part, Reasoning, Text, ToolCall
from tests.fakes.tongues import CHAT_DOORS, CHATS
from tests.laws.test_content_laws import say_stream, say_whole, write_stream
from tests.laws.test_crossing_laws import responses

MAIL, CARD, WORD = "jane.doe@mail.example", "4111 1111 1111 1111", "nightjar"
PLAIN = ("so ", "a.b", "@", "4111 1111", "é", " and\n", "night", "jar", "word " * 80)
SAID = st.lists(st.sampled_from((MAIL, CARD, WORD, *PLAIN)), min_size=1, max_size=8).map(" ".join)
passages = pytest.mark.parametrize(("there", "door"), list(product(sorted(CHATS), sorted(CHAT_DOORS))))
cuts = st.lists(st.integers(0, 6_000), max_size=12)
Action = Literal["block", "redact", "note"]


def guard(*actions: Action) -> Guard:
    """One guardrail for people and one for a word, of these actions."""
    people, words = actions
    chosen = Guardrails(
        {
            "people": GuardrailSettings(kind="pii", action=people),
            "words": GuardrailSettings(kind="regex", deny=(rf"\b{WORD}\b",), action=words, replacement="bird"),
        }
    ).choose("ws", "key", ("m",))
    assert chosen is not None
    return chosen


def blocks(response: ChatResponse) -> bool:
    """Whether the whole answer is blocked, without a word of why."""
    try:
        guard("redact", "block").check_answer(response)
    except GuardrailBlocked as blocked:
        return WORD not in f"{blocked} {blocked.details}"
    return False


@st.composite
def answers(draw: st.DrawFn, there: str, door: str) -> ChatResponse:
    """An answer that can be carried from one to the other, and has something to find in it."""

    def plant(part: Part) -> Part:
        match part:
            case Text() | Reasoning(signature=None, encrypted=None):
                return replace(part, text=draw(SAID))
            case ToolCall():
                members = st.dictionaries(st.sampled_from(["a", "b"]), SAID | st.just(4111111111111111), max_size=2)
                return replace(part, arguments=msgspec.json.encode(draw(members)).decode())
            case _:
                return part

    response = replace(draw(responses(there, door)), dialect=there)
    choices = tuple(replace(choice, parts=tuple(map(plant, choice.parts))) for choice in response.choices)
    return replace(response, choices=choices)


def pass_stream(guard: Guard, provider: Streaming, client: Streaming, data: bytes, at: Sequence[int]) -> bytes:
    """The bytes of a provider's stream on their way past its guardrails to a client."""
    edges = [0, *sorted(cut % (len(data) + 1) for cut in at), len(data)]
    reader, writer, passing = provider.reader(), client.writer(include_usage=True), guard.open_stream()
    told: list[bytes] = []
    try:
        for start, end in pairwise(edges):
            for frame in reader.feed(data[start:end]):
                told += map(writer.feed, passing.feed(frame.events))
    except GuardrailBlocked:
        told.append(b"BLOCKED")
    return b"".join(told)


@passages
@settings(max_examples=30)
@given(data=st.data())
def test_a_stream_past_guardrails_says_what_the_whole_says(there: str, door: str, data: st.DataObject) -> None:
    provider, client = CHATS[there], CHAT_DOORS[door]
    response = data.draw(answers(there, door))
    actions: tuple[Action, Action] = data.draw(st.sampled_from([("redact", "redact"), ("note", "redact")]))
    arrived = provider.read_response(provider.write_response(response))
    whole, streamed = guard(*actions), guard(*actions)
    said = say_whole(client.read_response(client.write_response(whole.check_answer(arrived))))
    told = pass_stream(streamed, provider, client, write_stream(provider, response), data.draw(cuts))
    assert say_stream(client, told, data.draw(cuts)) == said
    assert WORD.encode() not in told
    assert sorted(whole.noted(), key=repr) == sorted(streamed.noted(), key=repr)


@passages
@settings(max_examples=30)
@given(data=st.data())
def test_what_is_blocked_is_never_told(there: str, door: str, data: st.DataObject) -> None:
    provider, client = CHATS[there], CHAT_DOORS[door]
    response = data.draw(answers(there, door))
    arrived = provider.read_response(provider.write_response(response))
    told = pass_stream(guard("redact", "block"), provider, client, write_stream(provider, response), data.draw(cuts))
    assert WORD.encode() not in told
    assert told.endswith(b"BLOCKED") == blocks(arrived)
