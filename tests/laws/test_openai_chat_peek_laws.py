"""What holds for a peek at any JSON at all: it tells the truth, or it refuses with the path of a field."""

import json
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tallygate.dialects.openai_chat.peek import peek
from tallygate.errors import InvalidValue, RequestError
from tallygate.genai.peek import Peek
from tests.laws.json_text import json_values, render

FIELDS = [
    *("model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "n", "temperature"),
    *("top_p", "seed", "stop", "tools", "tool_choice", "response_format", "system", "trace_id", "run"),
]
ODD = json_values() | st.sampled_from(
    [0, 1, 2, -1, 0.5, 2**63, True, "", "x", [], {}, [{}], [{"type": "x"}], [""], None]
)
SOUND = {"model": "m", "messages": [{"role": "user", "content": "x"}]}


def follow(value: Any, path: str) -> Any:
    """What stands at a path such as ``messages[0].role``; KeyError or IndexError if nothing does."""
    for step in re.findall(r"[^.\[\]]+", path):
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


def judge(body: bytes) -> Peek | RequestError:
    try:
        return peek(body, 64)
    except RequestError as error:
        return error


def has(value: Any, path: str) -> bool:
    try:
        follow(value, path)
    except (KeyError, TypeError):
        return False
    return True


@given(st.dictionaries(st.sampled_from(FIELDS), ODD, max_size=3), st.data())
def test_any_value_of_any_field_is_taken_or_named(changes: dict[str, Any], data: st.DataObject) -> None:
    value = SOUND | changes
    found = judge(data.draw(render(value)))
    if isinstance(found, Peek):
        assert (found.model, found.stream, found.n) == (value["model"], bool(value.get("stream")), value.get("n") or 1)
        return
    assert found.param is not None
    assert found.message.startswith(f"`{found.param}` ")
    assert found.message.endswith(".")
    assert re.split(r"[.\[]", found.param)[0] in changes
    assert has(value, found.param) == isinstance(found, InvalidValue)


@given(st.sampled_from(["role", "content"]), ODD, st.sampled_from(["user", "assistant", "tool"]))
def test_any_value_in_a_message_is_taken_or_named(name: str, odd: Any, role: str) -> None:
    messages = [{"role": "user", "content": "x"}, {"role": role, "content": "x", name: odd}]
    found = judge(json.dumps({"model": "m", "messages": messages}).encode())
    if isinstance(found, Peek):
        silent = name == "content" and role == "assistant" and odd is None
        assert silent or isinstance(odd, str | list)
    else:
        assert (found.param or "").startswith(f"messages[1].{name}")
