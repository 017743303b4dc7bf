"""What holds between a dialect that only clients speak and those that providers speak: requests go there, answers come
from there, and nothing goes the other way.
"""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tallygate.genai.assemble import assemble
from tallygate.genai.chat import ChatRequest
from tallygate.genai.messages import Message, Text
from tallygate.genai.unfold import unfold
from tests.fakes.tongues import CHAT_DOORS, CHATS
from tests.laws.strategies import SAID
from tests.laws.test_content_laws import say_stream, say_whole, spell
from tests.laws.test_crossing_laws import even, events_of, requests, responses, write

PROMPTED = frozenset({"openai_completions", "unified_generate"})
"""Doors that take a prompt in the place of a conversation."""
DOORS = sorted(CHAT_DOORS.keys() - CHATS.keys())

passages = pytest.mark.parametrize(("door", "there"), list(product(DOORS, sorted(CHATS))))
cuts = st.lists(st.integers(0, 4_000), max_size=8)


def prompt(request: ChatRequest, text: str) -> ChatRequest:
    """The request with one text in the place of its conversation."""
    return replace(request, messages=(Message("user", (Text(text),)),))


@passages
@given(data=st.data())
def test_a_request_means_the_same_to_every_provider(door: str, there: str, data: st.DataObject) -> None:
    request = data.draw(requests(door, there))
    if door in PROMPTED:
        request = prompt(request, data.draw(SAID))
    body = CHAT_DOORS[door].write_request(replace(request, dialect=door)).body
    CHAT_DOORS[door].peek(body, 128)
    arrived = CHAT_DOORS[door].read_request(body)
    written = CHATS[there].write_request(arrived)
    assert even(CHATS[there].read_request(written.body)) == even(request)
    assert set(written.dropped) <= {"response_format.name"}


@passages
@given(data=st.data())
def test_an_answer_of_every_provider_means_the_same(door: str, there: str, data: st.DataObject) -> None:
    response = data.draw(responses(there, door))
    client, provider = CHAT_DOORS[door], CHATS[there]
    arrived = provider.read_response(provider.write_response(replace(response, dialect=there)))
    assert replace(client.read_response(client.write_response(arrived)), dialect="") == response


@passages
@given(data=st.data())
def test_a_stream_of_every_provider_adds_up_to_the_same(door: str, there: str, data: st.DataObject) -> None:
    response = data.draw(responses(there, door))
    first = write(CHATS[there], unfold(replace(response, dialect=there)))
    second = write(CHAT_DOORS[door], events_of(CHATS[there], first))
    assert replace(assemble(events_of(CHAT_DOORS[door], second)), dialect="") == response


@passages
@given(data=st.data())
def test_the_client_hears_what_the_provider_said(door: str, there: str, data: st.DataObject) -> None:
    response = spell(data, replace(data.draw(responses(there, door)), dialect=there))
    client, provider = CHAT_DOORS[door], CHATS[there]
    said = say_whole(response)
    answered = provider.read_response(provider.write_response(response))
    assert say_whole(client.read_response(client.write_response(answered))) == said
    told = write(client, events_of(provider, write(provider, unfold(response))))
    assert say_stream(client, told, data.draw(cuts)) == said
