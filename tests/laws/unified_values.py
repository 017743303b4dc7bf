"""Requests and answers that the gateway's own surface can say exactly: those of `openai_chat`, whose objects it has.

Its streams always tell usage, and its answers are told as its own.
"""

from hypothesis import strategies as st
from msgspec import structs

from tallygate.genai.chat import ChatRequest, ChatResponse, Choice
from tallygate.genai.messages import Message, Text
from tests.laws import openai_chat_values
from tests.laws.strategies import SAID, texts

OPEN_MEMBERS = openai_chat_values.OPEN_MEMBERS


class UnifiedChatValues:
    """Of `unified_chat`."""

    NAME = "unified_chat"
    OPEN_MEMBERS = OPEN_MEMBERS

    @staticmethod
    def requests() -> st.SearchStrategy[ChatRequest]:
        """A request as this dialect's reader would make it."""
        return openai_chat_values.requests().map(lambda request: structs.replace(request, include_usage=request.stream))

    @classmethod
    def responses(cls) -> st.SearchStrategy[ChatResponse]:
        """A whole answer as this dialect's reader would make it."""
        return openai_chat_values.responses().map(lambda response: structs.replace(response, dialect=cls.NAME))


class UnifiedGenerateValues(UnifiedChatValues):
    """Of `unified_generate`: one text of a user, an instruction beside it or none; nothing unnamed inside a message."""

    NAME = "unified_generate"

    @staticmethod
    def requests() -> st.SearchStrategy[ChatRequest]:
        """A request as this dialect's reader would make it."""
        prompts = SAID.map(lambda text: (Message("user", (Text(text),)),))
        systems = st.lists(texts(), max_size=2).map(tuple)
        return st.builds(
            lambda request, messages, system: structs.replace(request, messages=messages, system=system),
            UnifiedChatValues.requests(),
            prompts,
            systems,
        )

    @classmethod
    def responses(cls) -> st.SearchStrategy[ChatResponse]:
        """A whole answer as this dialect's reader would make it."""
        return (
            super()
            .responses()
            .map(lambda response: structs.replace(response, choices=tuple(map(strip_choice, response.choices))))
        )


def strip_choice(choice: Choice) -> Choice:
    """A choice without what only a message holds; one that says nothing then has come to its end at least."""
    extra = {name: value for name, value in choice.extra.items() if name != "message"}
    silent = not (choice.parts or extra or choice.logprobs)
    return structs.replace(choice, extra=extra, finish_reason="stop" if silent else choice.finish_reason)
