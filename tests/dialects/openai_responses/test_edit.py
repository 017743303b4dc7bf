"""Edits in place: the model and the cap, and no other byte."""

import pytest

from tallygate.dialects.openai_responses.edit import edit
from tallygate.dialects.openai_responses.peek import peek
from tallygate.genai.peek import NO_EDITS, Edits


def edited(body: bytes, edits: Edits) -> bytes:
    return edit(body, peek(body, 64), edits)


@pytest.mark.parametrize(
    ("body", "edits", "expected"),
    [
        (b'{ "model" : "a", "input":"hi" }', Edits(model="b"), b'{ "model" : "b", "input":"hi" }'),
        (
            b'{"model":"a","input":"hi"}',
            Edits(output_tokens_max=9),
            b'{"model":"a","input":"hi","max_output_tokens":9}',
        ),
        (
            b'{"max_output_tokens": 500 ,"model":"a","input":"hi"}',
            Edits(output_tokens_max=9),
            b'{"max_output_tokens": 9 ,"model":"a","input":"hi"}',
        ),
        (
            b'{"model":"a","max_output_tokens":null,"input":"hi"}',
            Edits(output_tokens_max=9),
            b'{"model":"a","max_output_tokens":9,"input":"hi"}',
        ),
    ],
)
def test_edits(body: bytes, edits: Edits, expected: bytes) -> None:
    assert edited(body, edits) == expected


def test_what_this_wire_need_not_be_asked_changes_nothing() -> None:
    body = b'{"model":"a","input":"hi","max_output_tokens":4,"stream":true,"store":true}'
    assert edited(body, NO_EDITS) is body
    assert edited(body, Edits(include_usage=True, output_cap_key="max_completion_tokens", lift_system=True)) is body
