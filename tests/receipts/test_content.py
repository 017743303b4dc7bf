"""What an answer says: the form that docs/reference/receipts.md tells, made a second time here from that page alone."""

import hashlib
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import rfc8785

from tallygate.genai import stream
from tallygate.genai.chat import ChatResponse, Choice
from tallygate.genai.messages import Image, Inline, Opaque, Reasoning, Refusal, Text, ToolCall
from tallygate.genai.stream import Event, RefusalDelta, TextDelta, ToolArgumentsDelta, ToolCallStarted
from tallygate.receipts.content import Content


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def said(text: str = "", *calls: tuple[str, str], index: int = 0) -> dict[str, Any]:
    """One choice as the page tells it. Arguments are given in their canonical form."""
    told = [{"name": name, "arguments": digest(arguments)} for name, arguments in calls]
    return {"index": index, "text": digest(text), "tool_calls": told}


def hear(*events: Event) -> Any:
    content = Content()
    for event in events:
        content.see(event)
    content.hand_on()
    return read(content)


def read(content: Content) -> Any:
    data = content.write()
    value = json.loads(data)
    assert rfc8785.dumps(value) == data
    assert content.write() == data, "looking changes nothing"
    return value


HEARD: list[tuple[list[Event], list[Any]]] = [
    ([], []),
    ([TextDelta("")], []),
    ([TextDelta("a"), TextDelta("é")], [said("aé")]),
    # A client joins the blocks of text, wherever they stand.
    ([TextDelta("a", part=0), stream.ReasoningDelta("secret"), TextDelta("b", part=2)], [said("ab")]),
    ([RefusalDelta("no")], [said("no")]),
    ([RefusalDelta("n"), TextDelta("a"), RefusalDelta("o")], [said("ano")]),
    ([TextDelta("b", 1), TextDelta("a", 0), TextDelta("", 2)], [said("a"), said("b", index=1)]),
    ([ToolCallStarted(0, "id", "f")], [said("", ("f", "{}"))]),
    ([ToolCallStarted(0, "id", "f"), ToolArgumentsDelta(0, " ")], [said("", ("f", "{}"))]),
    (
        [ToolCallStarted(0, "i", "f"), ToolArgumentsDelta(0, '{"b": 1.0,'), ToolArgumentsDelta(0, ' "a":"\\u00e9"}')],
        [said("", ("f", '{"a":"é","b":1}'))],
    ),
    ([ToolCallStarted(0, "i", "f", kind="custom"), ToolArgumentsDelta(0, "rm  -r")], [said("", ("f", "rm  -r"))]),
    # The cap cut it off.
    ([ToolCallStarted(0, "i", "f"), ToolArgumentsDelta(0, '{ "a')], [said("", ("f", '{ "a'))]),
    (
        [
            ToolCallStarted(1, "i", "g"),
            ToolCallStarted(0, "i", "f"),
            ToolArgumentsDelta(0, '{"a":1}'),
            ToolArgumentsDelta(1, '{"b":1}'),
            ToolArgumentsDelta(7, '{"c":1}'),
        ],
        [said("", ("g", '{"b":1}'), ("f", '{"a":1}'))],
    ),
    ([stream.OpaqueSeen("search", extra={"a": 1}), stream.ExtraDelta({"a": 1}), stream.Finished("stop")], []),
]


@pytest.mark.parametrize(("events", "content"), HEARD)
def test_an_answer_says(events: list[Event], content: list[Any]) -> None:
    assert hear(*events) == content


def test_a_whole_answer_says_the_same() -> None:
    parts = (
        Reasoning("secret"),
        Text("a"),
        Opaque("search"),
        Image(Inline("image/png", "AA==")),
        Text("b"),
        Refusal("no"),
        ToolCall("id_1", "f", '{"b":2, "a":1}'),
        ToolCall("id_2", "g"),
    )
    response = ChatResponse("id", "m", choices=(Choice(1, (Text("z"),)), Choice(0, parts), Choice(2)))
    content = Content()
    content.see_whole(response)
    content.hand_on()
    assert read(content) == [said("abno", ("f", '{"a":1,"b":2}'), ("g", "{}")), said("z", index=1)]


def test_only_what_was_handed_on_is_in_it() -> None:
    content = Content()
    content.see(TextDelta("a"))
    content.hand_on()
    content.see(TextDelta("b"))
    assert read(content) == [said("a")]


@pytest.mark.parametrize("size", [1, 7, 4_095, 4_096, 4_097, 100_000])
def test_the_split_of_a_long_text_does_not_matter(size: int) -> None:
    text = "".join(map(chr, range(32, 50_000))) * 3
    arguments = json.dumps({"text": text})
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    argued = [arguments[start : start + size] for start in range(0, len(arguments), size)]
    events = [TextDelta(piece) for piece in pieces]
    called: list[Event] = [ToolCallStarted(0, "id", "f"), *(ToolArgumentsDelta(0, piece) for piece in argued)]
    # Arguments beyond 64 KiB are taken as they stand.
    assert hear(*events, *called) == [said(text, ("f", arguments))]


@pytest.mark.parametrize(
    "arguments",
    ["", " ", '{"b": 1.0, "a": "\\u00e9"}', '{"a": 1e400}', "free text", "[1, 2]", '{"a": "%s"}' % ("x" * 70_000)],
)
def test_the_example_of_the_page_makes_the_same_bytes(arguments: str) -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "receipts.md"
    example, _ = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(example, names)
    call = SimpleNamespace(function=SimpleNamespace(name="f", arguments=arguments))
    messages = [
        SimpleNamespace(content="a", refusal="b", tool_calls=[call]),
        SimpleNamespace(content=None, refusal=None, tool_calls=None),
        SimpleNamespace(content="z", refusal=None, tool_calls=[]),
    ]
    choices = [SimpleNamespace(index=index, message=message) for index, message in enumerate(messages)]
    content = Content()
    parts = (Text("a"), Refusal("b"), ToolCall("id", "f", arguments))
    content.see_whole(ChatResponse("id", "m", choices=(Choice(0, parts), Choice(1), Choice(2, (Text("z"),)))))
    content.hand_on()
    assert names["write_content"](SimpleNamespace(choices=choices)) == content.write()


def test_half_a_character_breaks_nothing() -> None:
    (choice,) = hear(TextDelta("\ud800"), ToolCallStarted(0, "id", "f\udc00"), ToolArgumentsDelta(0, "\udc00"))
    assert choice["tool_calls"][0]["name"] == "f?"


def test_none_of_what_was_said_is_in_it() -> None:
    content = Content()
    for event in (TextDelta("canary"), RefusalDelta("canary"), ToolArgumentsDelta(0, "canary")):
        content.see(event)
    content.hand_on()
    assert b"canary" not in content.write()
