"""The cost beside the usage of a closing event, and no other byte changed."""

import pytest

from tallygate.dialects.openai_responses.cost import tell_cost
from tallygate.dialects.openai_responses.receipt import tell_receipt


@pytest.mark.parametrize(
    ("closing", "expected"),
    [
        (b'data: {"response":{"usage":{"a":1 } } }\n\n', b'data: {"response":{"usage":{"a":1 ,"cost":0.5} } }\n\n'),
        (b'data: {"response": {"usage": {}}}\n\n', b'data: {"response": {"usage": {"cost":0.5}}}\n\n'),
        (
            b'event: e\ndata: {"x":1,"response":{"id":"r","usage":{"cost":9,"a":1}}}\r\n\r\n',
            b'event: e\ndata: {"x":1,"response":{"id":"r","usage":{"cost":0.5,"a":1}}}\r\n\r\n',
        ),
    ],
)
def test_the_cost_stands_in_the_usage(closing: bytes, expected: bytes) -> None:
    assert tell_cost(closing, "0.5") == expected


@pytest.mark.parametrize(
    "closing",
    [
        b"",
        b"data: [DONE]\n\n",
        b'data: {"response":{"usage":null}}\n\n',
        b'data: {"response":null}\n\n',
        b'data: {"usage":{}}\n\n',
        b'data: {"response":\ndata: {"usage":{}}}\n\n',
        b"data: {broken\n\n",
    ],
)
def test_without_usage_nothing_is_changed(closing: bytes) -> None:
    assert tell_cost(closing, "0.5") == closing
    assert tell_receipt(b"", "id") == b""
