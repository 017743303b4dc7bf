"""The outline of a request for embeddings, and the fields that are refused in it."""

from typing import Any

import msgspec
import pytest

from tallygate.dialects.openai_media import OpenAIEmbeddings
from tallygate.errors import MissingField, RequestError, TooLarge, UnsupportedParameter
from tallygate.genai.peek import Edits

DIALECT = OpenAIEmbeddings()


def look(**fields: Any) -> Any:
    return DIALECT.peek(msgspec.json.encode({"model": "m", "input": "hi", **fields}), 64)


def test_it_is_never_a_stream_and_has_no_cap() -> None:
    outline = look(stream=False, x_unknown=1, policy=None)
    assert (outline.model, outline.stream, outline.output_tokens_max) == ("m", False, None)
    assert list(outline.spans) == ["model", "input", "stream", "x_unknown", "policy"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("dimensions", value) for value in (0, -1, 1.5, "3", 2**31)),
        *(("encoding_format", value) for value in ("int8", "Float", 1)),
        *(("model", value) for value in ("", 3, "m" * 257)),
        *(("stream", value) for value in (True, "no")),
        *(("policy", value) for value in ({}, {"policy_version": "1", "allow_regions": ["eu"]}, "eu")),
        ("user", 3),
        ("input", []),
    ],
)
def test_a_field_that_cannot_be_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(RequestError) as refused:
        look(**{field: value})
    assert refused.value.status == 400
    assert refused.value.param == field


@pytest.mark.parametrize("body", [b'{"model":"m"}', b'{"input":"hi"}'])
def test_model_and_input_must_be_there(body: bytes) -> None:
    for read in (lambda: DIALECT.peek(body, 64), lambda: DIALECT.read_request(body)):
        with pytest.raises(MissingField):
            read()


def test_a_stream_is_refused_by_the_reader_too() -> None:
    with pytest.raises(UnsupportedParameter):
        DIALECT.read_request(b'{"model":"m","input":"hi","stream":true}')


def test_as_many_tokens_pass_as_the_vendor_takes_and_not_endlessly_more() -> None:
    assert look(input=[[1] * 1_000] * 300).depth == 3
    with pytest.raises(TooLarge):
        look(input=[[1] * 1_000] * 330)


def test_only_the_models_name_is_ever_changed() -> None:
    body = b'{ "input" : ["\\u00e9" , "b"],\n"model":"m" , "x": 1e2 }'
    peek = DIALECT.peek(body, 64)
    assert DIALECT.edit(body, peek, Edits()) is body
    assert DIALECT.edit(body, peek, Edits(model="other/m")) == body.replace(b'"m"', b'"other/m"')
