"""What an answer says is the same whether it came whole or as a stream, however the stream was cut, and on either side
of a translation: `response.content` depends on nothing else.
"""

from itertools import pairwise, permutations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tallygate.dialects.base import Streaming
from tallygate.genai.chat import ChatResponse
from tallygate.genai.messages import Part, Refusal, Text, ToolCall
from tallygate.genai.unfold import unfold
from tallygate.receipts.content import Content
from tests.fakes.tongues import CHAT_DOORS, CHATS
from tests.laws.json_text import json_objects, render
from tests.laws.test_crossing_laws import responses
from tests.laws.test_dialect_laws import VALUES, every_stream

crossings = pytest.mark.parametrize(("here", "there"), list(permutations(sorted(CHATS), 2)))
cuts = st.lists(st.integers(0, 4_000), max_size=8)


def say_whole(response: ChatResponse) -> bytes:
    content = Content()
    content.see_whole(response)
    content.hand_on()
    return content.write()


def write_stream(dialect: Streaming, response: ChatResponse) -> bytes:
    writer = dialect.writer(include_usage=True)
    return b"".join(writer.feed(event) for event in unfold(response))


def say_stream(dialect: Streaming, data: bytes, at: list[int]) -> bytes:
    """What the bytes say if they come in pieces, each handed on before the next comes."""
    edges = [0, *sorted(cut % (len(data) + 1) for cut in at), len(data)]
    reader, content = dialect.reader(), Content()
    for start, end in pairwise(edges):
        for frame in reader.feed(data[start:end]):
            for event in frame.events:
                content.see(event)
        content.hand_on()
    return content.write()


def spell(data: st.DataObject, response: ChatResponse) -> ChatResponse:
    """The same answer by a model that writes its arguments in another way."""

    def respell(part: Part) -> Part:
        if isinstance(part, ToolCall):
            return replace(part, arguments=data.draw(json_objects().flatmap(render)).decode())
        return part

    return replace(
        response,
        choices=tuple(replace(choice, parts=tuple(map(respell, choice.parts))) for choice in response.choices),
    )


@every_stream
@given(data=st.data())
def test_a_stream_says_what_the_whole_says_however_it_is_cut(name: str, data: st.DataObject) -> None:
    dialect = CHAT_DOORS[name]
    response = data.draw(VALUES[name].responses())
    said = say_whole(dialect.read_response(dialect.write_response(response)))
    stream = write_stream(dialect, response)
    assert say_stream(dialect, stream, data.draw(cuts)) == said
    assert say_stream(dialect, stream, list(range(len(stream)))) == said


@crossings
@given(data=st.data())
def test_the_client_hears_what_the_provider_said(here: str, there: str, data: st.DataObject) -> None:
    provider, client = CHATS[here], CHATS[there]
    response = spell(data, replace(data.draw(responses()), dialect=here))
    (choice,) = response.choices
    if data.draw(st.booleans()) and any(isinstance(part, Text) for part in choice.parts) and here == "openai_chat":
        response = replace(response, choices=(replace(choice, parts=(*choice.parts, Refusal("I will not"))),))
    said = say_whole(response)
    # Whole.
    answered = provider.read_response(provider.write_response(response))
    assert say_whole(answered) == said
    assert say_whole(client.read_response(client.write_response(answered))) == said
    # As a stream, what was seen on the way and what the client gets.
    stream = write_stream(provider, response)
    assert say_stream(provider, stream, data.draw(cuts)) == said
    reader, writer = provider.reader(), client.writer(include_usage=True)
    translated = b"".join(writer.feed(event) for frame in reader.feed(stream) for event in frame.events)
    assert say_stream(client, translated, data.draw(cuts)) == said


@given(data=st.data())
def test_another_answer_says_something_else(data: st.DataObject) -> None:
    one, other = data.draw(responses()), data.draw(responses())

    def told(response: ChatResponse) -> list[object]:
        parts = [part for choice in response.choices for part in choice.parts]
        text = "".join(part.text for part in parts if isinstance(part, Text))
        calls = [part for part in parts if isinstance(part, ToolCall)]
        return [text, [(call.name, msgspec.json.decode(call.arguments)) for call in calls]]

    if told(one) != told(other):
        assert say_whole(one) != say_whole(other)
