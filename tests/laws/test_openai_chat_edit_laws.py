"""What holds for the edits of any chat request, however it is spelt."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tallygate.dialects.openai_chat import own
from tallygate.dialects.openai_chat.edit import edit
from tallygate.dialects.openai_chat.peek import peek
from tallygate.genai.peek import Edits
from tests.laws.json_text import json_objects, render

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
EXTRAS = st.sampled_from([{}, {"name": "x"}, {"a": [{"role": "]"}], "b\\": 1.50}, {'"}': {"content": None}}])
CONTENT = TEXT | st.lists(st.builds(lambda kind, extra: {**extra, "type": kind}, TEXT, EXTRAS), max_size=2)
MESSAGES = st.lists(
    st.builds(
        lambda role, content, extra: {**extra, "role": role, "content": content},
        st.sampled_from(["developer", "system", "user", "assistant", "tool"]),
        CONTENT,
        EXTRAS,
    ),
    min_size=1,
    max_size=3,
)
NAMED = {
    "stream": st.booleans() | st.none(),
    "stream_options": st.none()
    | st.fixed_dictionaries({}, optional={"include_usage": st.booleans() | st.none(), "x": st.integers()}),
    "max_tokens": st.just(50) | st.none(),
    "max_completion_tokens": st.just(50) | st.none(),
    "system": CONTENT | st.none(),
    "n": st.integers(1, 128),
    "x": st.integers(),
}
REQUIRED = {"model": TEXT.filter(bool), "messages": MESSAGES}
CHECKED = (
    {"temperature", "top_p", "seed", "stop", "tools", "tool_choice", "response_format", *own.NAMES}
    | NAMED.keys()
    | REQUIRED.keys()
)
"""Names that the search would find, for it reads the source; odd values for them are another law's."""
EDITS = st.builds(
    Edits,
    model=st.none() | TEXT.filter(bool),
    output_tokens_max=st.none() | st.integers(1, 10**6),
    output_cap_key=st.sampled_from([None, "max_tokens", "max_completion_tokens"]),
    include_usage=st.booleans(),
    lift_system=st.booleans(),
    leave_out=st.sets(st.sampled_from(["n", "x", "stop", "seed"])).map(tuple),
)


@st.composite
def chat_bodies(draw: st.DrawFn) -> bytes:
    """A chat request with any unnamed members, its members in any order and spelling."""
    others = {key: value for key, value in draw(json_objects()).items() if key not in CHECKED}
    members = others | draw(st.fixed_dictionaries(REQUIRED, optional=NAMED))
    return draw(render(dict(draw(st.permutations(list(members.items()))))))


def change(value: dict[str, Any], edits: Edits) -> dict[str, Any]:
    """The same edits, made on the decoded request."""
    value = dict(value)
    if edits.model is not None:
        value["model"] = edits.model
    if edits.output_tokens_max is not None:
        given = [name for name in ("max_tokens", "max_completion_tokens") if value.get(name) is not None]
        value |= dict.fromkeys(given or [edits.output_cap_key or "max_tokens"], edits.output_tokens_max)
    key = edits.output_cap_key
    other = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}.get(key or "", "")
    if key is not None and value.get(key) is None and value.get(other) is not None:
        value[key] = value[other] if key in value else value.pop(other)
    if edits.include_usage:
        value["stream_options"] = {**(value.get("stream_options") or {}), "include_usage": True}
    if edits.lift_system and "system" in value:
        system = value.pop("system")
        if system is not None:
            value["messages"] = [{"role": "system", "content": system}, *value["messages"]]
    return {name: member for name, member in value.items() if name not in edits.leave_out}


@given(chat_bodies(), EDITS)
def test_edited_bytes_decode_to_the_edited_request(body: bytes, edits: Edits) -> None:
    edited = edit(body, peek(body, 64), edits)
    assert json.loads(edited) == change(json.loads(body), edits)


@given(chat_bodies(), EDITS)
def test_a_peek_finds_what_was_edited(body: bytes, edits: Edits) -> None:
    before = peek(body, 64)
    edited = edit(body, before, edits)
    after = peek(edited, 64)
    assert after.model == (edits.model if edits.model is not None else before.model)
    assert after.output_tokens_max == (edits.output_tokens_max or before.output_tokens_max)
    assert after.include_usage == (edits.include_usage or before.include_usage)
    assert after.has_system == (before.has_system and not edits.lift_system)
    assert (after.stream, after.n) == (before.stream, 1 if "n" in edits.leave_out else before.n)
    assert edit(edited, after, edits) == edited


@given(chat_bodies(), EDITS)
def test_bytes_outside_the_edits_stay(body: bytes, edits: Edits) -> None:
    before = peek(body, 64)
    edited = edit(body, before, edits)
    after = peek(edited, 64)
    touched = {"system"} if edits.lift_system else set[str]()
    touched |= set(edits.leave_out)
    if edits.model is not None:
        touched.add("model")
    if edits.output_tokens_max is not None or edits.output_cap_key is not None:
        touched |= {"max_tokens", "max_completion_tokens"}
    if edits.include_usage:
        touched.add("stream_options")
    kept = [key for key in before.spans if key not in touched]
    assert [key for key in after.spans if key not in touched] == kept
    for key in kept:
        old, new = before.spans[key], after.spans[key]
        assert edited[new.start : new.value_start] == body[old.start : old.value_start]
        value, was = edited[new.value_start : new.end], body[old.value_start : old.end]
        # Lifting puts one message in front: behind it, the list is the very bytes it was.
        assert value.endswith(was[1:]) if key == "messages" and edits.lift_system else value == was
    # Between the members, whose values may change, stands what stood there: blanks and commas.
    if not touched:
        assert edited is body
    elif touched <= before.spans.keys() and "system" not in touched and not edits.leave_out:
        assert skeleton(edited) == skeleton(body)
    assert edited[: edited.index(b"{") + 1] == body[: body.index(b"{") + 1]
    assert edited[edited.rindex(b"}") :] == body[body.rindex(b"}") :]


def skeleton(body: bytes) -> list[bytes]:
    """What stands around the values of the top level: keys, colons, commas and blanks."""
    pieces: list[bytes] = []
    position = 0
    for span in peek(body, 64).spans.values():
        pieces.append(body[position : span.value_start])
        position = span.end
    return [*pieces, body[position:]]


@given(chat_bodies(), TEXT.filter(bool))
def test_one_edit_changes_one_stretch(body: bytes, model: str) -> None:
    found = peek(body, 64)
    edited = edit(body, found, Edits(model=model))
    span = found.spans["model"]
    assert edited[: span.value_start] == body[: span.value_start]
    assert edited[len(edited) - (len(body) - span.end) :] == body[span.end :]
    assert json.loads(edited[span.value_start : len(edited) - (len(body) - span.end)]) == model
