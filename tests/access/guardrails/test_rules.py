"""The guardrails of one call: what one look at a request's bytes may spare, and in which order they look."""

import base64
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.access.guardrails.registry import Guardrails
from tallygate.access.guardrails.rules import Guard
from tallygate.access.guardrails.settings import GuardrailSettings
from tallygate.dialects.registry import DIALECTS
from tallygate.errors import GuardrailBlocked
from tallygate.genai.chat import ChatRequest
from tallygate.genai.details import Guarded
from tallygate.genai.messages import Document, Inline, Message, Opaque, Remote, Text, ToolCall, ToolResult
from tests.laws.json_text import render

MAIL = "jane@mail.example"
SAID = st.lists(
    st.sampled_from([MAIL, "jane", "@", "mail.example", "\n", '"', "\\", "\\n", "é", "/", "nightjar", "\t", "x"]),
    max_size=6,
).map("".join)


def guard(**settings: dict[str, Any]) -> Guard:
    chosen = Guardrails(msgspec.convert(settings, dict[str, GuardrailSettings])).choose("ws", "key", ("m",))
    assert chosen is not None
    return chosen


def ask(*parts: Any, **more: Any) -> ChatRequest:
    return ChatRequest("m", (Message("user", tuple(parts)),), **more)


@given(data=st.data(), texts=st.lists(SAID, min_size=1, max_size=3), arguments=SAID)
def test_what_is_clean_at_a_look_is_clean_when_it_is_read(
    data: st.DataObject, texts: list[str], arguments: str
) -> None:
    said: list[Any] = [{"role": "user", "content": text} for text in texts]
    call = {
        "id": "c",
        "type": "function",
        "function": {"name": "f", "arguments": msgspec.json.encode({"a": arguments}).decode()},
    }
    said += [{"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "c", "content": "done"}]
    body = data.draw(render({"model": "m", "messages": said}))
    looking = guard(
        people={"kind": "pii", "find": ["email"], "action": "redact"},
        words={"kind": "regex", "deny": [r"\bnightjar\b", r"\\n", "x/"], "action": "redact"},
    )
    request = DIALECTS["openai_chat"].read_request(body)
    if looking.is_clean(body):
        assert looking.check_request(request) is request


def test_a_look_is_enough_for_a_plain_request() -> None:
    looking = guard(people={"kind": "pii"}, words={"kind": "regex", "deny": ["nightjar"]}, keys={"kind": "secrets"})
    assert looking.is_clean(b'{"messages":[{"content":"Dear all,\\nthe \\"bird\\" sings."}]}')
    # A backslash that is one, and not the beginning of an escape.
    for found in (MAIL, "a nightjar", "AKIAIOSFODNN7EXAMPLE", r"C:\\nightjar"):
        assert not looking.is_clean(b'{"messages":[{"content":"%s"}]}' % found.encode())


@pytest.mark.parametrize(
    "settings",
    [{"kind": "size", "characters_max": 9}, {"kind": "tools", "deny": ["a"]}, {"kind": "regex", "deny": ["^a"]}],
)
def test_what_a_look_cannot_tell_is_read(settings: dict[str, Any]) -> None:
    assert not guard(lab=settings).is_clean(b"{}")


def test_each_sees_what_those_before_it_have_left() -> None:
    looking = guard(
        a={"kind": "regex", "deny": ["two"], "action": "redact", "replacement": "three", "order": 2},
        b={"kind": "regex", "deny": ["one"], "action": "redact", "replacement": "two", "order": 1},
    )
    assert looking.check_request(ask(Text("one"))) == ask(Text("three"))
    assert looking.redacted == ("b", "a")
    assert looking.noted() == (Guarded("input", "b", "redact", 1), Guarded("input", "a", "redact", 1))


def test_every_text_of_a_request_is_looked_at_and_nothing_else() -> None:
    plain = base64.b64encode(f"to {MAIL}".encode()).decode()
    request = ask(
        Text(MAIL, extra={"citations": [{"cited_text": MAIL}]}),
        ToolCall("c", "f", f'{{"to":"{MAIL}"}}'),
        ToolResult("c", (Text(MAIL),)),
        Document(Inline("text/plain", plain), filename=MAIL),
        Document(Remote(f"https://{MAIL}/")),
        Opaque("search", extra={"query": MAIL, "encrypted_content": MAIL, "id": MAIL}),
        system=(Text(MAIL),),
        metadata={"who": MAIL},
        user=MAIL,
        extra={"instructions": [MAIL]},
    )
    looking = guard(people={"kind": "pii", "action": "redact", "replacement": "-"})
    checked = looking.check_request(request)
    kept = base64.b64encode(b"to -").decode()
    assert checked == ask(
        Text("-", extra={"citations": [{"cited_text": "-"}]}),
        ToolCall("c", "f", '{"to":"-"}'),
        ToolResult("c", (Text("-"),)),
        Document(Inline("text/plain", kept), filename="-"),
        Document(Remote(f"https://{MAIL}/")),
        Opaque("search", extra={"query": "-", "encrypted_content": MAIL, "id": MAIL}),
        system=(Text("-"),),
        metadata={"who": "-"},
        user="-",
        extra={"instructions": ["-"]},
    )


def test_a_number_of_arguments_is_replaced_by_a_string() -> None:
    looking = guard(cards={"kind": "pii", "find": ["card"], "action": "redact"})
    request = ask(ToolCall("c", "pay", '{"card":4111111111111111,"note":"4111111111111111"}'))
    checked = looking.check_request(request)
    assert checked == ask(ToolCall("c", "pay", '{"card":"[redacted]","note":"[redacted]"}'))


def test_what_is_blocked_is_not_named() -> None:
    with pytest.raises(GuardrailBlocked) as blocked:
        guard(people={"kind": "pii"}).check_request(ask(Text(MAIL)))
    assert blocked.value.details == {"stage": "input", "guardrail": "people"}
    assert MAIL not in str(blocked.value)
