"""Embeddings: OpenAI's, with wishes, with their cost, and with the errors of this wire."""

import msgspec

from tallygate.dialects.openai_media.embed_response import read_response
from tallygate.dialects.openrouter.embed import OpenRouterEmbeddings
from tallygate.errors import InvalidApiKey
from tallygate.genai.reckoning import Reckoning
from tallygate.genai.routing import Routing
from tallygate.genai.usage import Usage

DIALECT = OpenRouterEmbeddings()
ANSWER = {"object": "list", "model": "m", "data": [{"object": "embedding", "index": 0, "embedding": [1.0]}]}
RECKONING = Reckoning(
    request_id="req_1",
    receipt_id="call_1",
    cost_usd="0.000000005",
    input_cost_usd="0.000000005",
    output_cost_usd="0.00",
    usage=Usage(5),
)


def test_wishes_reach_the_outline_and_no_provider() -> None:
    body = msgspec.json.encode({"models": ["e", "f"], "input": "hi", "provider": {"zdr": True}, "trace": {"a": "b"}})
    look = DIALECT.peek(body, 64)
    assert (look.model, look.routing, look.dropped) == ("e", Routing(models=("f",), private=True), ("trace",))
    request = DIALECT.read_request(body)
    assert (request.model, request.extra) == ("e", {})


def test_the_cost_is_told_and_no_other_price() -> None:
    priced = {**ANSWER, "usage": {"prompt_tokens": 5, "total_tokens": 5, "cost": 9}}
    for told in (priced, ANSWER):
        body = DIALECT.write_response(read_response(msgspec.json.encode(told)))
        usage = msgspec.json.decode(DIALECT.tell_reckoning(body, RECKONING, stream=False))["usage"]
        assert (usage["prompt_tokens"], usage["total_tokens"], usage["cost"]) == (5, 5, 5e-9)
        assert "completion_tokens" not in usage


def test_an_error_has_its_number() -> None:
    rendered = DIALECT.write_error(InvalidApiKey(), "req_1")
    assert msgspec.json.decode(rendered.body)["error"]["code"] == rendered.status == 401
    assert isinstance(DIALECT.read_error(429, rendered.body, None), Exception)
