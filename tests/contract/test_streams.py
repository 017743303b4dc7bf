"""What a stream and a whole answer are on the wire: bytes, terminators, order, and what happens when an end breaks off.

Proved with the provider's journal beside the gateway's own bytes.
"""

import http.client
import json
import time
from typing import Any

import pytest

from tests.contract.gateway import Gateway, Reply, read_reply
from tests.fakes.upstream import Upstream

DONE = b"data: [DONE]\n\n"
LEAVE_WITHIN_S = 1.0


def said(text: str, model: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


def events(body: bytes) -> list[Any]:
    """The JSON of each event, `[DONE]` and comments left out."""
    lines = [line[5:].strip() for line in body.splitlines() if line.startswith(b"data:")]
    return [json.loads(line) for line in lines if line != b"[DONE]"]


def the_request(upstream: Upstream, text: str) -> int:
    """The number of the only request that bears a text."""
    (entry,) = upstream.requests(text)
    return entry["request"]


def check_broken(reply: Reply) -> list[Any]:
    """A stream that ended in an error: exactly one, last, and no terminator after it. The events before it."""
    assert reply.status == 200
    assert b"[DONE]" not in reply.body
    *before, last = events(reply.body)
    assert set(last["error"]) >= {"message", "type", "param", "code"}
    assert last["error"]["type"] == "server_error"
    assert not any("error" in event for event in before)
    return before


def test_a_whole_answer_is_the_providers_own_bytes(gateway: Gateway, upstream: Upstream) -> None:
    reply = gateway.chat(said("verbatim whole", "up-echo"))
    assert reply.status == 200
    assert reply.body == upstream.body(the_request(upstream, "verbatim whole"))


def test_a_request_reaches_the_provider_byte_by_byte(gateway: Gateway, upstream: Upstream) -> None:
    body = (
        b'{ "messages":\t[{"content":"odd \\u0062ytes, \xc3\xa9","role":"user"}],\r\n "x_unknown": [1.50, 1e3,'
        b' {"a":{}}], "model" : "up-echo"  }'
    )
    reply = gateway.ask(
        "POST", "/v1/chat/completions", body, [("Content-Type", "application/json; charset=utf-8")], key=gateway.key
    )
    assert reply.status == 200
    (entry,) = upstream.requests("x_unknown")
    assert entry["body"].encode("latin-1") == body


def test_a_renamed_model_changes_the_name_and_nothing_else(gateway: Gateway, upstream: Upstream) -> None:
    body = b'{"messages": [{"role":"user","content":"renamed call"}],   "model":"renamed", "temperature": 1.0}'
    reply = gateway.ask("POST", "/v1/chat/completions", body, [("Content-Type", "application/json")], key=gateway.key)
    assert reply.status == 200
    (entry,) = upstream.requests("renamed call")
    assert entry["body"].encode("latin-1") == body.replace(b'"renamed"', b'"up-echo"')


def test_a_stream_that_asked_for_usage_is_the_providers_own_bytes_and_its_cost_and_receipt(
    gateway: Gateway, upstream: Upstream
) -> None:
    reply = gateway.chat(said("verbatim stream", "up-echo", stream=True, stream_options={"include_usage": True}))
    cost = b',"cost":0.00}'
    assert reply.body.count(cost) == reply.body.count(DONE) == 1
    receipt = f": tallygate-receipt {reply.headers['x-tallygate-receipt-id']}\n\n".encode()
    assert reply.body.endswith(receipt + DONE)
    said_upstream = reply.body.replace(cost, b"}").replace(receipt, b"")
    assert said_upstream == upstream.chunks(the_request(upstream, "verbatim stream"))
    assert events(reply.body)[-1]["usage"]["total_tokens"] > 0


@pytest.mark.parametrize("model", ["up-echo", "up-usage-unasked", "mock/echo"])
def test_a_stream_tells_usage_only_to_who_asked(gateway: Gateway, model: str) -> None:
    unasked = gateway.chat(said("no usage please", model, stream=True))
    assert unasked.body.endswith(DONE)
    assert all(event["choices"] and not event.get("usage") for event in events(unasked.body))
    asked = gateway.chat(said("usage please", model, stream=True, stream_options={"include_usage": True}))
    assert [bool(event.get("usage")) for event in events(asked.body)].count(True) == 1
    assert events(asked.body)[-1]["choices"] == []


def test_a_stream_split_at_every_byte_says_the_same(gateway: Gateway) -> None:
    reply = gateway.chat(said("tiny", "up-tiny-writes", stream=True))
    plain = gateway.chat(said("tiny", "up-echo", stream=True))
    assert reply.body.count(b"data: [DONE]") == 1

    def deltas(body: bytes) -> list[Any]:
        return [event["choices"] for event in events(body)]

    assert deltas(reply.body) == deltas(plain.body)


def test_chunks_are_passed_on_as_they_come(gateway: Gateway, upstream: Upstream) -> None:
    """The provider sends the rest only after the client has read the beginning: a gateway that gathers would hang."""
    response, connection = open_stream(gateway, said("gate-1", "up-gated", stream=True))
    try:
        first = response.readline()
        assert json.loads(first.removeprefix(b"data: "))["choices"][0]["delta"]["role"] == "assistant"
        upstream.open_gate("gate-1")
        assert response.read().endswith(DONE)
    finally:
        connection.close()


def test_a_stream_without_its_terminator_is_completed_or_called_broken_but_never_silent(gateway: Gateway) -> None:
    reply = gateway.chat(said("no done", "up-nodone", stream=True))
    *_, last = events(reply.body)
    assert reply.body.endswith(DONE) != ("error" in last)


def test_an_upstream_that_ends_too_early_ends_the_stream_in_an_error(gateway: Gateway, upstream: Upstream) -> None:
    reply = gateway.chat(said("too early", "up-cut-after-3", stream=True))
    assert len(check_broken(reply)) == 3
    assert events(reply.body)[-1]["error"]["code"] == "stream_broken"
    sent = upstream.chunks(the_request(upstream, "too early"))
    assert reply.body.startswith(sent), "what was emitted is delivered in order, with no gap"


def test_an_upstream_that_resets_ends_the_stream_in_an_error(gateway: Gateway, upstream: Upstream) -> None:
    """The reset comes when the client has read three events: a reset may overtake what is still on its way."""
    response, connection = open_stream(gateway, said("reset-1", "up-gated-break", stream=True))
    try:
        before = [response.readline() + response.readline() for _ in range(3)]
        upstream.open_gate("reset-1")
        rest = response.read()
    finally:
        connection.close()
    assert b"".join(before) == upstream.chunks(the_request(upstream, "reset-1"))
    assert b"[DONE]" not in rest
    (last,) = events(rest)
    assert last["error"]["code"] == "stream_broken"


def test_an_error_of_the_providers_in_midstream_is_told_as_ours(gateway: Gateway) -> None:
    reply = gateway.chat(said("midstream", "up-error-midstream", stream=True))
    assert len(check_broken(reply)) == 3


@pytest.mark.parametrize("model", ["up-break-after-0", "up-cut-after-0"])
def test_a_stream_that_breaks_before_its_first_event_is_a_plain_error(gateway: Gateway, model: str) -> None:
    reply = gateway.chat(said("stillborn", model, stream=True))
    assert reply.status == 502
    assert reply.json["error"]["type"] == "server_error"


def test_a_whole_answer_that_breaks_off_is_a_502(gateway: Gateway) -> None:
    reply = gateway.chat(said("half a body", "up-break-after-3"))
    assert reply.status == 502
    assert reply.json["error"]["type"] == "server_error"


PROVIDER_ERRORS = [
    ("up-400", 400, "lab_code", "false"),
    ("up-401", 502, "provider_refused_gateway", "false"),
    ("up-403", 502, "provider_refused_gateway", "false"),
    ("up-429", 503, "overloaded", None),
    ("up-500", 502, "provider_error", None),
    ("up-503", 503, "overloaded", None),
    ("up-html", 502, None, None),
    ("up-bad-json", 502, "invalid_provider_answer", None),
    ("up-gzip", 502, "invalid_provider_answer", None),
    ("up-redirect", 502, None, None),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("model", "status", "code", "should_retry"), PROVIDER_ERRORS)
def test_a_providers_failure_is_told_in_our_words(
    gateway: Gateway,
    upstream: Upstream,
    model: str,
    status: int,
    code: str | None,
    should_retry: str | None,
    stream: bool,
) -> None:
    text = f"failing {model} {stream}"
    reply = gateway.chat(said(text, model, stream=stream))
    assert reply.status == status
    assert reply.headers.get("x-should-retry") == should_retry
    error = reply.json["error"]
    assert set(error) >= {"message", "type", "param", "code"}
    assert code in (None, error["code"])
    assert error["type"] == ("invalid_request_error" if status < 500 else "server_error")
    if status == 503:
        assert reply.headers["retry-after"] == "7", "the provider's own wait, within a minute"
    assert len(upstream.requests(text)) == 1, "a redirect is not followed and nothing is tried twice"


@pytest.mark.parametrize("model", ["up-silent", "up-steady", "up-stall-after-3"])
def test_a_client_that_leaves_closes_the_upstream(gateway: Gateway, upstream: Upstream, model: str) -> None:
    text = f"leaving {model}"
    connection = gateway.connect()
    send_chat(gateway, connection, said(text, model, stream=True))
    asked = upstream.wait_for(lambda e: e["event"] == "request" and text in e["body"])
    if model != "up-silent":
        connection.getresponse().readline()
    left_s = time.monotonic()
    connection.close()
    closed = upstream.wait_for(lambda e: e["event"] == "closed" and e["request"] == asked["request"])
    assert closed["by"] == "peer"
    assert closed["at_s"] - left_s <= LEAVE_WITHIN_S


def test_a_client_that_leaves_before_a_whole_answer_closes_the_upstream(gateway: Gateway, upstream: Upstream) -> None:
    connection = gateway.connect()
    send_chat(gateway, connection, said("leaving whole", "up-silent"))
    asked = upstream.wait_for(lambda e: e["event"] == "request" and "leaving whole" in e["body"])
    left_s = time.monotonic()
    connection.close()
    closed = upstream.wait_for(lambda e: e["event"] == "closed" and e["request"] == asked["request"])
    assert closed["by"] == "peer"
    assert closed["at_s"] - left_s <= LEAVE_WITHIN_S


def test_one_connection_serves_call_after_call(gateway: Gateway) -> None:
    connection = gateway.connect()
    try:
        for stream in (False, True, False, True):
            send_chat(gateway, connection, said("again", "up-echo", stream=stream))
            reply = read_reply(connection.getresponse())
            assert reply.status == 200
            assert reply.body.endswith(DONE) == stream
    finally:
        connection.close()


def test_the_providers_connection_is_used_again(gateway: Gateway, upstream: Upstream) -> None:
    for turn in range(3):
        assert gateway.chat(said(f"reuse {turn}", "up-echo", stream=True)).status == 200
    used = {upstream.requests(f"reuse {turn}")[0]["connection"] for turn in range(3)}
    assert len(used) < 3


def open_stream(gateway: Gateway, body: dict[str, Any]) -> tuple[http.client.HTTPResponse, http.client.HTTPConnection]:
    connection = gateway.connect()
    send_chat(gateway, connection, body)
    return connection.getresponse(), connection


def send_chat(gateway: Gateway, connection: http.client.HTTPConnection, body: dict[str, Any]) -> None:
    sent = {"Content-Type": "application/json", "Authorization": f"Bearer {gateway.key}"}
    connection.request("POST", "/v1/chat/completions", json.dumps(body), sent)
