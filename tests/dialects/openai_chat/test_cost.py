"""The cost in a usage chunk: one member more, wherever it stands, and every other byte as it was."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.dialects.openai_chat.cost import tell_cost
from tests.laws.json_text import json_objects, render

COST = "0.000000051"

TOLD = [
    (b'data: {"usage":{"a":1}}\n\n', b'data: {"usage":{"a":1,"cost":%b}}\n\n'),
    (b'data: {"usage": { } , "choices":[]}\r\n\r\n', b'data: {"usage": { "cost":%b} , "choices":[]}\r\n\r\n'),
    (b'data:{"usage":{"a":"}"}}\n\ndata: [DONE]\n\n', b'data:{"usage":{"a":"}","cost":%b}}\n\ndata: [DONE]\n\n'),
    # What the provider asks of the house is not what the caller pays.
    (b'data: {"usage":{"cost": 0.5 ,"a":1}}\n\n', b'data: {"usage":{"cost": %b ,"a":1}}\n\n'),
    (b': c\n\nevent: x\ndata: {"usage":{"a":1}}\n\n', b': c\n\nevent: x\ndata: {"usage":{"a":1,"cost":%b}}\n\n'),
]  # fmt: skip


@pytest.mark.parametrize(("closing", "told"), TOLD)
def test_the_cost_is_one_member_more(closing: bytes, told: bytes) -> None:
    assert tell_cost(closing, COST) == told % COST.encode()


@pytest.mark.parametrize(
    "closing",
    [
        b"",
        b"data: [DONE]\n\n",
        b'data: {"usage":null}\n\n',
        b'data: {"a":{"usage":{}}}\n\n',
        b'data: {"usage":{"a":1}\n\n',
        b'data: {"usage":\ndata: {}}\n\n',
        b'data: ["usage"]\n\n',
    ],
)
def test_where_there_is_no_usage_nothing_changes(closing: bytes) -> None:
    assert tell_cost(closing, COST) == closing


@given(st.data(), json_objects(), json_objects(), st.sampled_from([b"\n\n", b"\r\n\r\n"]))
def test_nothing_but_the_cost_changes(data: st.DataObject, usage: Any, rest: Any, end: bytes) -> None:
    spelt = data.draw(render({"rest": rest, "usage": usage}))
    # A line end inside an event would end its line.
    chunk = spelt.replace(b"\r", b" ").replace(b"\n", b" ")
    told = tell_cost(b"data: " + chunk + end + b"data: [DONE]\n\n", COST)
    before, _, after = told.partition(end)
    assert after == b"data: [DONE]\n\n"
    said = msgspec.json.decode(chunk)
    read = msgspec.json.decode(before.removeprefix(b"data: "))
    assert read == {**said, "usage": {**said["usage"], "cost": float(COST)}}
    if "cost" not in usage:
        member = b'"cost":' + COST.encode()
        assert before.removeprefix(b"data: ") in _cut_in(chunk, member)


def _cut_in(chunk: bytes, member: bytes) -> list[bytes]:
    """Every way to put the member, with or without a comma, into the bytes."""
    places = range(len(chunk))
    return [chunk[:at] + comma + member + chunk[at:] for at in places for comma in (b"", b",")]
