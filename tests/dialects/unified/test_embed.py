"""Embeddings in the envelope: OpenAI's objects, this surface's words for what goes wrong, and no price but ours."""

import msgspec
import pytest

from tallygate.dialects.openai_media import OpenAIEmbeddings
from tallygate.dialects.unified.embed import UnifiedEmbed
from tallygate.errors import InvalidAnswer, RequestError, UpstreamError

DIALECT = UnifiedEmbed()
ANSWER = b'{"data":[{"embedding":[0.5]}],"model":"m","usage":{"prompt_tokens":3,"cost":0.1},"provider":"p"}'


def test_an_answer_of_openai_s_stands_in_the_envelope_without_its_price() -> None:
    written = DIALECT.write_response(OpenAIEmbeddings().read_response(ANSWER))
    told = DIALECT.tell_meta(written, {"request_id": "req_1", "cost_usd": "0.01"}, stream=False)
    assert msgspec.json.decode(told) == {
        "status": "ok",
        "data": {
            "object": "list",
            "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}],
            "model": "m",
            "usage": {"prompt_tokens": 3, "total_tokens": 3},
            "provider": "p",
        },
        "meta": {"request_id": "req_1", "cost_usd": "0.01"},
    }


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"model":"m","input":[]}', 422),
        (b'{"model":"m"}', 422),
        (b'{"model":"m","input":"hi","dimensions":0}', 422),
        (b'{"model":"m","input":"hi","stream":true}', 400),
        (b'{"model":', 400),
    ],
)
def test_a_field_at_fault_is_a_422(body: bytes, status: int) -> None:
    with pytest.raises(RequestError) as refused:
        DIALECT.peek(body, 64)
    rendered = DIALECT.write_error(refused.value, "req_1")
    assert rendered.status == status
    assert msgspec.json.decode(rendered.body)["error"]["code"] == "VALIDATION_ERROR"


@pytest.mark.parametrize(
    "body", [b"{}", b'{"status":"ok"}', b'{"status":"ok","data":{}}', b'{"status":"maybe","data":{}}']
)
def test_what_is_no_envelope_with_vectors_is_no_answer(body: bytes) -> None:
    with pytest.raises(InvalidAnswer):
        DIALECT.read_response(body)


def test_an_error_in_the_envelope_is_one() -> None:
    with pytest.raises(UpstreamError):
        DIALECT.read_response(b'{"status":"error","error":{"code":"BACKEND_ERROR","message":"x"}}')
