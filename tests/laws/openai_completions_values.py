"""Requests and answers that completions can say exactly: one text of a user, an instruction beside it or none, a bound
on the answer always, and log probabilities of at most five alternatives.
"""

from hypothesis import strategies as st
from msgspec import structs

from tallygate.genai.chat import ChatRequest, ChatResponse
from tallygate.genai.messages import Message, Text
from tests.laws import openai_chat_values
from tests.laws.strategies import SAID, maybe, texts
from tests.laws.unified_values import strip_choice

NAME = "openai_completions"
OPEN_MEMBERS = openai_chat_values.OPEN_MEMBERS


@st.composite
def requests(draw: st.DrawFn) -> ChatRequest:
    """A request as this dialect's reader would make it. What it holds beyond the vocabulary is told as a chat's."""
    alternatives = draw(maybe(st.integers(0, 5)))
    return structs.replace(
        draw(openai_chat_values.requests()),
        messages=(Message("user", (Text(draw(SAID)),)),),
        system=tuple(draw(st.lists(texts(), max_size=2))),
        output_tokens_max=draw(st.integers(1, 2**31 - 1)),
        logprobs=None if alternatives is None else True,
        top_logprobs=alternatives,
    )


def responses() -> st.SearchStrategy[ChatResponse]:
    """A whole answer as this dialect's reader would make it."""
    return openai_chat_values.responses().map(
        lambda response: structs.replace(response, dialect=NAME, choices=tuple(map(strip_choice, response.choices)))
    )
