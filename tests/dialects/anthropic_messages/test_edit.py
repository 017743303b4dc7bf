"""Each edit on bodies spelt by hand: the very bytes before and after."""

import pytest

from tallygate.dialects.anthropic_messages.edit import edit
from tallygate.dialects.anthropic_messages.peek import peek_count
from tallygate.genai.peek import Edits

TURN = b'"messages":[{"role":"user","content":"h\\u0069"}]'


def change(body: bytes, edits: Edits) -> bytes:
    return edit(body, peek_count(body, 64), edits)


@pytest.mark.parametrize("edits", [Edits(), Edits(include_usage=True), Edits(lift_system=True)])
def test_nothing_to_change_is_the_same_object(edits: Edits) -> None:
    body = b'{"model":"m","system":"s","max_tokens":5,%b}' % TURN
    assert change(body, edits) is body


@pytest.mark.parametrize(
    ("before", "edits", "after"),
    [
        (b'{"model" : "a" , "max_tokens": 9,%b}', Edits(model='b"'), b'{"model" : "b\\"" , "max_tokens": 9,%b}'),
        (b'{"max_tokens": 9 ,"model":"m",%b}', Edits(output_tokens_max=7), b'{"max_tokens": 7 ,"model":"m",%b}'),
        (b'{"model":"m",%b }\n', Edits(output_tokens_max=7), b'{"model":"m",%b,"max_tokens":7 }\n'),
        (
            b'{"max_tokens":9,%b,"model":"a"}',
            Edits(model="b", output_tokens_max=1),
            b'{"max_tokens":1,%b,"model":"b"}',
        ),
    ],
)
def test_model_and_cap(before: bytes, edits: Edits, after: bytes) -> None:
    assert change(before % TURN, edits) == after % TURN
