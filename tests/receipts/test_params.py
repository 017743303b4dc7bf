"""A request without its conversation: what is left, however the request was written."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.dialects.registry import CLIENT_DIALECTS
from tallygate.dialects.scan import outline
from tallygate.genai.peek import Peek
from tallygate.receipts.params import write_params
from tests.laws.json_text import render

_CHAT = {
    "system": "canary",
    "tools": [{"type": "function", "function": {"name": "canary"}}],
    "functions": [{"name": "canary"}],
    "prediction": {"type": "content", "content": "canary"},
}
SAID = {
    "openai_chat": {**_CHAT, "messages": [{"role": "user", "content": "canary"}]},
    "anthropic_messages": {
        "messages": [{"role": "user", "content": "canary"}],
        "system": "canary",
        "tools": [{"name": "canary", "input_schema": {}}],
        "mcp_servers": [{"type": "url", "url": "https://canary", "authorization_token": "canary"}],
    },
    "openai_completions": {**_CHAT, "prompt": "canary"},
    "openai_embeddings": {"input": "canary"},
    "openai_responses": {
        "input": "canary",
        "instructions": "canary",
        "tools": [{"type": "function", "name": "canary"}],
    },
    "openrouter_embeddings": {"input": "canary"},
    "openrouter_chat": {**_CHAT, "messages": [{"role": "user", "content": "canary"}]},
    "run": {
        "prompt": "canary",
        "messages": [{"role": "user", "content": "canary"}],
        "system": "canary",
        "tools": _CHAT["tools"],
    },
    "unified_chat": {**_CHAT, "messages": [{"role": "user", "content": "canary"}]},
    "unified_embed": {"input": "canary"},
    "unified_generate": {**_CHAT, "prompt": "canary"},
}
ASKED = {"temperature": 0.5, "model": "m", "max_tokens": 50, "x_unknown": {"b": [1.0, None], "a": "é"}}


def look(body: bytes) -> Peek:
    """Where the members lie. What a dialect's own look would refuse beside them does not matter here."""
    return Peek("m", spans=outline(body, 64).spans)


every_dialect = pytest.mark.parametrize("name", sorted(CLIENT_DIALECTS))


@every_dialect
@given(data=st.data())
def test_the_conversation_is_left_out_and_the_spelling_does_not_matter(name: str, data: st.DataObject) -> None:
    dialect = CLIENT_DIALECTS[name]
    assert dialect.conversation == SAID[name].keys()
    members = data.draw(st.permutations([*SAID[name].items(), *ASKED.items()]))
    body = data.draw(render(dict(members)))
    params = write_params(body, look(body), dialect.conversation)
    assert params == '{"max_tokens":50,"model":"m","temperature":0.5,"x_unknown":{"a":"é","b":[1,null]}}'.encode()


@every_dialect
def test_long_params_are_taken_as_they_stand(name: str) -> None:
    dialect = CLIENT_DIALECTS[name]
    said = msgspec.json.encode(SAID[name])[1:-1]
    body = b'{ "model" : "m", %b , "max_tokens": 5,"x" :  "%b" }' % (said, b"x" * 70_000)
    params = write_params(body, look(body), dialect.conversation)
    assert params == b'{"model" : "m","max_tokens": 5,"x" :  "%b"}' % (b"x" * 70_000)
    assert msgspec.json.decode(params)["max_tokens"] == 5
