"""Each edit on bodies spelt by hand: the very bytes before and after."""

import pytest

from tallygate.dialects.openai_chat.edit import edit
from tallygate.dialects.openai_chat.peek import peek
from tallygate.genai.peek import Edits

MESSAGES = b'"messages":[{"role":"user","content":"h\\u0069"}]'


def change(body: bytes, edits: Edits) -> bytes:
    return edit(body, peek(body, 64), edits)


def test_no_edit_is_the_same_object() -> None:
    body = b'{"model":"m",%b}' % MESSAGES
    assert change(body, Edits()) is body
    assert change(body, Edits(lift_system=True)) is body


@pytest.mark.parametrize(
    ("before", "model", "after"),
    [
        (b'{"model":"a/b",%b}', "c", b'{"model":"c",%b}'),
        (b'{%b , "m\\u006fdel" :\n"a" }', 'x"\u20ac', b'{%b , "m\\u006fdel" :\n"x\\"\xe2\x82\xac" }'),
    ],
)
def test_model(before: bytes, model: str, after: bytes) -> None:
    assert change(before % MESSAGES, Edits(model=model)) == after % MESSAGES


@pytest.mark.parametrize(
    ("before", "key", "after"),
    [
        (b'{"max_tokens": 10 ,"model":"m",%b}', None, b'{"max_tokens": 7 ,"model":"m",%b}'),
        (
            b'{"model":"m",%b,"max_completion_tokens":10}',
            None,
            b'{"model":"m",%b,"max_completion_tokens":7}',
        ),
        (
            b'{"max_tokens":10,"model":"m","max_completion_tokens":10,%b}',
            None,
            b'{"max_tokens":7,"model":"m","max_completion_tokens":7,%b}',
        ),
        (b'{"model":"m",%b }\n', None, b'{"model":"m",%b,"max_tokens":7 }\n'),
        (b'{"model":"m",%b}', "max_completion_tokens", b'{"model":"m",%b,"max_completion_tokens":7}'),
        (b'{"max_tokens":null,"model":"m",%b}', None, b'{"max_tokens":7,"model":"m",%b}'),
        (
            b'{"max_tokens":null,"max_completion_tokens":9,"model":"m",%b}',
            None,
            b'{"max_tokens":null,"max_completion_tokens":7,"model":"m",%b}',
        ),
        (
            b'{"max_tokens":null,"model":"m",%b}',
            "max_completion_tokens",
            b'{"max_tokens":null,"model":"m",%b,"max_completion_tokens":7}',
        ),
    ],
)
def test_output_cap(before: bytes, key: str | None, after: bytes) -> None:
    assert change(before % MESSAGES, Edits(output_tokens_max=7, output_cap_key=key)) == after % MESSAGES


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'{"max_tokens" : 9 ,"model":"m",%b}', b'{"max_completion_tokens":9 ,"model":"m",%b}'),
        (b'{"max_completion_tokens":9,"model":"m",%b}', b'{"max_completion_tokens":9,"model":"m",%b}'),
        (
            b'{"max_tokens":9,"max_completion_tokens":null,"model":"m",%b}',
            b'{"max_tokens":9,"max_completion_tokens":9,"model":"m",%b}',
        ),
        (b'{"model":"m",%b}', b'{"model":"m",%b}'),
    ],
)
def test_a_cap_moves_to_the_key_that_the_provider_heeds(before: bytes, after: bytes) -> None:
    assert change(before % MESSAGES, Edits(output_cap_key="max_completion_tokens")) == after % MESSAGES


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b',"stream_options":{"include_usage":true}'),
        (b',"stream_options": null', b',"stream_options": {"include_usage":true}'),
        (b',"stream_options":{}', b',"stream_options":{"include_usage":true}'),
        (b',"stream_options":{ }', b',"stream_options":{"include_usage":true }'),
        (b',"stream_options":{ "x" : 1.0 }', b',"stream_options":{"include_usage":true, "x" : 1.0 }'),
        (b',"stream_options":{"include_usage": false , "x":1}', b',"stream_options":{"include_usage": true , "x":1}'),
        (
            b',"stream_options":{"x":[1],"include\\u005fusage":null}',
            b',"stream_options":{"x":[1],"include\\u005fusage":true}',
        ),
        (b',"stream_options":{"include_usage":true}', b',"stream_options":{"include_usage":true}'),
    ],
)
def test_include_usage(before: bytes, after: bytes) -> None:
    body = b'{"model":"m",%b%b}'
    assert change(body % (MESSAGES, before), Edits(include_usage=True)) == body % (MESSAGES, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            b'{"model":"m","system":"be \\u006bind","messages":[{"role":"user","content":"x"}]}',
            b'{"model":"m","messages":[{"role":"system","content":"be \\u006bind"},{"role":"user","content":"x"}]}',
        ),
        (
            b'{ "system" : "s" , "model":"m", "messages" : [ {"role":"user","content":"x"} ] }',
            b'{ "model":"m", "messages" : [{"role":"system","content":"s"}, {"role":"user","content":"x"} ] }',
        ),
        (
            b'{"model":"m","messages":[{"role":"user","content":"x"}] ,\n "system":[ {"type":"t"} ]\n}',
            b'{"model":"m","messages":[{"role":"system","content":[ {"type":"t"} ]},{"role":"user","content":"x"}]\n}',
        ),
        (
            b'{"model":"m","system": null ,"messages":[{"role":"user","content":"x"}]}',
            b'{"model":"m" ,"messages":[{"role":"user","content":"x"}]}',
        ),
    ],
)
def test_lift_system(before: bytes, after: bytes) -> None:
    assert change(before, Edits(lift_system=True)) == after


def test_all_edits_at_once_with_the_system_last() -> None:
    before = b'{"model":"m","messages":[{"role":"user","content":"x"}], "system":"s" }'
    edits = Edits(model="n", output_tokens_max=7, include_usage=True, lift_system=True)
    assert change(before, edits) == (
        b'{"model":"n","messages":[{"role":"system","content":"s"},{"role":"user","content":"x"}]'
        b',"max_tokens":7,"stream_options":{"include_usage":true} }'
    )
