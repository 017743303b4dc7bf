"""Members of a chat that are said to this gateway: heard by the look, and in nothing that a provider is sent."""

from typing import Any

import msgspec
import pytest

from tallygate.dialects.openai_chat.edit import edit
from tallygate.dialects.openai_chat.own import NAMES, find_trace
from tallygate.dialects.openai_chat.peek import peek
from tallygate.dialects.openai_chat.request import read_request
from tallygate.errors import InvalidValue
from tallygate.genai.peek import Edits

CHAT: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
POLICY = {"policy_version": "1", "allow_regions": ["eu"]}


def write(**more: Any) -> bytes:
    return msgspec.json.encode({**CHAT, **more})


@pytest.mark.parametrize(
    ("more", "own", "tells_run", "has_wishes"),
    [
        ({}, (), False, False),
        ({"run": True}, ("run",), True, False),
        ({"run": False}, ("run",), False, False),
        ({"run": None, "policy": None, "trace_id": None}, ("run", "policy", "trace_id"), False, False),
        ({"trace_id": "t"}, ("trace_id",), True, False),
        ({"policy": POLICY}, ("policy",), True, True),
        ({"policy": POLICY, "run": False}, ("policy", "run"), False, True),
    ],
)
def test_what_the_look_hears(more: dict[str, Any], own: tuple[str, ...], tells_run: bool, has_wishes: bool) -> None:
    look = peek(write(**more), 16)
    assert (look.own, look.tells_run, look.routing is not None) == (own, tells_run, has_wishes)


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"run": 1}, "run"),
        ({"trace_id": ""}, "trace_id"),
        ({"trace_id": "t" * 257}, "trace_id"),
        ({"policy": {}}, "policy.policy_version"),
        ({"policy": "eu"}, "policy"),
    ],
)
def test_what_is_refused(more: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        peek(write(**more), 16)
    assert caught.value.param == param


def test_no_provider_hears_of_it() -> None:
    body = write(policy=POLICY, trace_id="t", run=True, seed=7)
    look = peek(body, 16)
    assert set(look.own) == NAMES
    assert edit(body, look, Edits(leave_out=look.own)) == write(seed=7)
    assert read_request(body) == read_request(write(seed=7))


def test_a_request_without_them_is_not_touched() -> None:
    body = write()
    look = peek(body, 16)
    assert edit(body, look, Edits(leave_out=look.own)) is body


def test_the_callers_mark() -> None:
    assert find_trace(write(trace_id="t")) == {"trace_id": "t"}
    assert find_trace(write(run=True)) == {}
