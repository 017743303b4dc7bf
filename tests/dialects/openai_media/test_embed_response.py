"""Vectors reach the client in the form it asked for, and are the same numbers in each."""

import base64
import struct

import msgspec
import pytest
from hypothesis import given

from tallygate.dialects.openai_media import OpenAIEmbeddings
from tallygate.errors import InvalidAnswer
from tallygate.genai.embeddings import EmbedResponse
from tests.laws.embedding_values import EmbeddingValues

DIALECT = OpenAIEmbeddings()
RESPONSES = EmbeddingValues("openai_embeddings").responses()
FLOAT, BASE64 = b'{"model":"m","input":"hi"}', b'{"model":"m","input":"hi","encoding_format":"base64"}'


def numbers_of(body: bytes) -> list[list[float]]:
    """What a client makes of an answer."""
    read: list[list[float]] = []
    for item in msgspec.json.decode(body)["data"]:
        told = item["embedding"]
        data = base64.b64decode(told) if isinstance(told, str) else b""
        read.append(list(struct.unpack(f"<{len(data) // 4}f", data)) if isinstance(told, str) else told)
    return read


@given(RESPONSES)
def test_base64_and_numbers_are_the_same_vectors(response: EmbedResponse) -> None:
    in_letters, in_numbers = DIALECT.write_response(response, BASE64), DIALECT.write_response(response, FLOAT)
    assert all(isinstance(item["embedding"], str) for item in msgspec.json.decode(in_letters)["data"])
    assert all(isinstance(item["embedding"], list) for item in msgspec.json.decode(in_numbers)["data"])
    assert numbers_of(in_letters) == numbers_of(in_numbers)


@given(RESPONSES)
def test_an_answer_in_the_form_that_was_asked_for_keeps_its_bytes(response: EmbedResponse) -> None:
    asked, other = (BASE64, FLOAT) if response.encoding == "base64" else (FLOAT, BASE64)
    body = b" " + DIALECT.write_response(response)
    read = DIALECT.read_response(body)
    assert DIALECT.fit(body, read, asked) is body
    fitted = DIALECT.fit(body, read, other)
    assert msgspec.structs.replace(DIALECT.read_response(fitted), encoding=response.encoding) == response


def test_numbers_of_any_spelling_are_brought_to_32_bits() -> None:
    read = DIALECT.read_response(b'{"data":[{"embedding":[0.1,1,-0.0,1e-3]}]}')
    assert read.embeddings[0].vector == struct.pack("<4f", 0.1, 1, -0.0, 0.001)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_what_numbers_in_json_cannot_tell_is_no_answer(number: float) -> None:
    told = base64.b64encode(struct.pack("<f", number))
    body = b'{"data":[{"embedding":"%b"}]}' % told
    read = DIALECT.read_response(body)
    assert DIALECT.fit(body, read, BASE64) is body
    with pytest.raises(InvalidAnswer):
        DIALECT.fit(body, read, FLOAT)


@pytest.mark.parametrize("vector", ['"!"', '"YQ=="', '""', "[]", "null", "{}", "3", '["0.1"]', "[[0.1]]", "[1e39]"])
def test_what_is_no_vector_is_no_answer(vector: str) -> None:
    with pytest.raises(InvalidAnswer):
        DIALECT.read_response(f'{{"data":[{{"embedding":{vector}}}]}}'.encode())
