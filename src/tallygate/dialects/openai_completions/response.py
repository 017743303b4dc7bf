"""A whole answer of this wire, both ways (platform.openai.com/docs/api-reference/completions/object): that of a chat,
in the form of text.
"""

from typing import Any

import msgspec
from msgspec.structs import replace

from tallygate.dialects.openai_chat import response as chat
from tallygate.dialects.openai_completions.logprobs import to_lists
from tallygate.dialects.openai_completions.names import CARRIED, NAME
from tallygate.dialects.openai_completions.text_form import to_chat, to_text
from tallygate.genai.chat import ChatResponse


def read_response(body: bytes) -> ChatResponse:
    """The answer in `body`. Raises InvalidAnswer."""
    answer = to_chat(chat.decode_answer(body), "message")
    return replace(chat.read_response(msgspec.json.encode(answer)), dialect=NAME)


def write_response(response: ChatResponse) -> bytes:
    """The answer in this wire's bytes. Raises InvalidAnswer for a part that has no place in an answer here."""
    same = response.dialect == NAME
    written = chat.write_response(replace(response, dialect=CARRIED) if same else response)
    answer: dict[str, Any] = to_text(msgspec.json.decode(written))
    if not same:
        for choice in answer["choices"]:
            choice["logprobs"] = to_lists(choice.get("logprobs"))
    return msgspec.json.encode(answer)
