"""The test model that embeds: the same vectors every time, of length 1, as long and as spelt as they are asked for."""

import base64
import math
import struct
from typing import Any

import msgspec
import pytest

from tallygate.providers.mock.serve import serve
from tallygate.transport.base import OutgoingRequest

pytestmark = pytest.mark.anyio


async def ask(status: int = 200, **fields: Any) -> Any:
    body = msgspec.json.encode({"model": "embed", "input": "hello", **fields})
    answer = await serve(OutgoingRequest("POST", "mock:/v1/embeddings", (), body))
    assert answer.status == status
    return msgspec.json.decode(await answer.read())


async def test_equal_texts_have_equal_vectors_and_others_do_not() -> None:
    answer = await ask(input=["hello", "there", "hello"])
    first, second, third = (item["embedding"] for item in answer["data"])
    assert first == third != second
    assert len(first) == 256
    assert [item["index"] for item in answer["data"]] == [0, 1, 2]
    assert await ask(input=["hello", "there", "hello"]) == answer


@pytest.mark.parametrize("length", [1, 3, 4_096])
async def test_a_vector_has_the_length_one_and_as_many_numbers_as_asked_for(length: int) -> None:
    (item,) = (await ask(dimensions=length))["data"]
    assert len(item["embedding"]) == length
    assert math.isclose(math.hypot(*item["embedding"]), 1, rel_tol=1e-5)


async def test_letters_and_numbers_are_the_same_vector() -> None:
    (numbers,) = (await ask(dimensions=8))["data"]
    (letters,) = (await ask(dimensions=8, encoding_format="base64"))["data"]
    assert list(struct.unpack("<8f", base64.b64decode(letters["embedding"]))) == numbers["embedding"]


@pytest.mark.parametrize(
    ("given", "tokens", "count"),
    [("one two", 2, 1), (["one", "two three"], 3, 2), ([5, 6, 7], 3, 1), ([[5], [6, 7]], 3, 2)],
)
async def test_each_kind_of_input_is_counted(given: Any, tokens: int, count: int) -> None:
    answer = await ask(input=given)
    assert answer["usage"] == {"prompt_tokens": tokens, "total_tokens": tokens}
    assert len(answer["data"]) == count


async def test_what_it_cannot_do_it_refuses() -> None:
    assert (await ask(400, dimensions=5_000))["error"]["param"] == "dimensions"
    assert (await ask(404, model="echo"))["error"]["param"] == "model"
    assert (await ask(400, input={}))["error"]["code"] == "mock_400"
    assert (await ask(503, model="fail-503"))["error"]["code"] == "mock_503"
