"""The gateway's own surface over real sockets, before a provider of each language: envelopes, streams, tools, prompts,
errors with their codes, and asking again.
"""

import http.client
import json
from typing import Any

import pytest

from tests.contract.gateway import Gateway, Reply
from tests.contract.tenants import RECEIPT, administer, send, settle_in
from tests.fakes.upstream import Upstream

CHAT, GENERATE = "/v1/inference/chat", "/v1/inference/generate"
JSON = ("Content-Type", "application/json")
DONE = b"data: [DONE]\n\n"
LABS = {"up-": "lab", "an-": "anlab"}

both_labs = pytest.mark.parametrize("lab", LABS)

WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def ask(gateway: Gateway, path: str, body: Any, *headers: tuple[str, str], key: str | None = None) -> Reply:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return gateway.ask("POST", path, raw, [JSON, *headers], key=gateway.key if key is None else key)


def says(text: str, model: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


def read_chunks(body: bytes) -> list[Any]:
    """The chunks of a stream that came to its end."""
    assert body.endswith(DONE)
    assert b"event:" not in body
    blocks = body.removesuffix(DONE).split(b"\n\n")[:-1]
    return [json.loads(block.removeprefix(b"data: ")) for block in blocks]


def check_meta(reply: Reply, meta: Any) -> None:
    assert meta == {
        "request_id": reply.headers["x-request-id"],
        "receipt_id": reply.headers[RECEIPT],
        "cost_usd": "0.00",
    }


def check_error(reply: Reply, status: int, code: str, reason: str = "") -> Any:
    """The error in its envelope, which it returns."""
    assert reply.status == status, reply.body
    told = reply.json
    assert (told["status"], told["meta"]) == ("error", {"request_id": reply.headers["x-request-id"]})
    error = told["error"]
    assert (error["code"], error["metadata"]["reason"]) == (code, reason or code.lower())
    assert error["message"]
    return error


@both_labs
def test_a_whole_answer(gateway: Gateway, lab: str) -> None:
    reply = ask(gateway, CHAT, says("four words of mine", f"{lab}echo"), ("X-Request-ID", f"mine-{lab}1"))
    assert reply.status == 200, reply.body
    told = reply.json
    assert (told.keys(), told["status"]) == ({"status", "data", "meta"}, "ok")
    data = told["data"]
    assert data["object"] == "chat.completion"
    assert data["created"] > 0
    (choice,) = data["choices"]
    assert choice["message"]["role"] == "assistant"
    assert "four words of mine" in choice["message"]["content"]
    assert choice["finish_reason"] == "stop"
    assert data["usage"]["total_tokens"] == data["usage"]["prompt_tokens"] + data["usage"]["completion_tokens"] > 0
    check_meta(reply, told["meta"])
    assert reply.headers["x-request-id"] == reply.headers["request-id"] == f"mine-{lab}1"
    assert reply.headers["x-tallygate-model"] == "up-echo"
    assert reply.headers["x-tallygate-backend"] == LABS[lab]


@both_labs
def test_a_stream(gateway: Gateway, lab: str) -> None:
    whole = ask(gateway, CHAT, says("a streamed answer", f"{lab}echo")).json["data"]
    reply = ask(gateway, CHAT, says("a streamed answer", f"{lab}echo", stream=True))
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert reply.headers["x-tallygate-backend"] == LABS[lab]
    *chunks, last = read_chunks(reply.body)
    assert len({(chunk["id"], chunk["object"], chunk["created"]) for chunk in chunks}) == 1
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    said = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)
    assert said == whole["choices"][0]["message"]["content"]
    assert not any("usage" in chunk or chunk["choices"][0]["finish_reason"] for chunk in chunks)
    assert (last["choices"][0]["finish_reason"], last["usage"]) == ("stop", whole["usage"])
    check_meta(reply, last["meta"])


@both_labs
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_prompt(gateway: Gateway, lab: str, stream: bool) -> None:
    asked = {"model": f"{lab}echo", "prompt": "Once upon a time", "max_tokens": 500, "stream": stream}
    reply = ask(gateway, GENERATE, asked)
    assert reply.status == 200, reply.body
    if stream:
        chunks = read_chunks(reply.body)
        check_meta(reply, chunks[-1]["meta"])
        assert "message" not in str(chunks)
        text = "".join(chunk["choices"][0]["text"] for chunk in chunks)
        data = chunks[-1]
    else:
        check_meta(reply, reply.json["meta"])
        data = reply.json["data"]
        text = data["choices"][0]["text"]
    assert "Once upon a time" in text
    assert (data["object"], data["choices"][0]["finish_reason"]) == ("text_completion", "stop")
    assert data["usage"]["total_tokens"] > 0


@both_labs
def test_a_prompt_is_one_message_of_a_user(
    gateway: Gateway, upstream: Upstream, anthropic_upstream: Upstream, lab: str
) -> None:
    ask(gateway, GENERATE, {"model": f"{lab}echo", "prompt": f"prompted by {lab}", "max_tokens": 9})
    (entry,) = (upstream if lab == "up-" else anthropic_upstream).requests(f"prompted by {lab}")
    (message,) = json.loads(entry["body"])["messages"]
    content = message["content"]
    assert message["role"] == "user"
    assert (content if isinstance(content, str) else content[0]["text"]) == f"prompted by {lab}"


@both_labs
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_tool_is_called_and_its_result_taken(gateway: Gateway, lab: str, stream: bool) -> None:
    asked = says("how is the weather", f"{lab}echo", tools=[WEATHER], tool_choice="required", max_tokens=500)
    reply = ask(gateway, CHAT, {**asked, "stream": stream})
    assert reply.status == 200, reply.body
    call = read_streamed_call(reply.body) if stream else read_call(reply.json["data"]["choices"][0])
    assert call["function"]["name"] == "weather"
    assert json.loads(call["function"]["arguments"]).keys() == {"city"}
    turns = [
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": call["id"], "content": "fine"},
    ]
    again = ask(gateway, CHAT, {**asked, "tool_choice": "auto", "messages": [*asked["messages"], *turns]})
    assert again.status == 200, again.body
    assert again.json["data"]["choices"][0]["message"]["content"]


def read_call(choice: Any) -> Any:
    assert choice["finish_reason"] == "tool_calls"
    return choice["message"]["tool_calls"][0]


def read_streamed_call(body: bytes) -> Any:
    """The first call of a stream, put together as clients do."""
    chunks = read_chunks(body)
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"
    deltas = [delta for chunk in chunks for delta in chunk["choices"][0]["delta"].get("tool_calls", [])]
    first, *rest = [delta for delta in deltas if delta["index"] == 0]
    arguments = "".join(delta["function"]["arguments"] for delta in [first, *rest])
    return {
        "id": first["id"],
        "type": "function",
        "function": {"name": first["function"]["name"], "arguments": arguments},
    }


FIELDS: dict[str, Any] = {
    "max_tokens": 500,
    "temperature": 0.5,
    "top_p": 0.9,
    "stop": ["never said"],
    "seed": 7,
    "metadata": {"team": "red", "size": 3},
}


def test_every_field_reaches_a_provider_of_openais_language(gateway: Gateway, upstream: Upstream) -> None:
    reply = ask(gateway, CHAT, says("all the fields", "up-echo", **FIELDS))
    assert reply.status == 200, reply.body
    assert "x-tallygate-dropped" not in reply.headers
    (entry,) = upstream.requests("all the fields")
    sent = json.loads(entry["body"])
    assert {name: sent[name] for name in FIELDS} == {**FIELDS, "metadata": {"team": "red", "size": "3"}}


def test_fields_that_another_language_lacks_are_named(gateway: Gateway, anthropic_upstream: Upstream) -> None:
    reply = ask(gateway, CHAT, says("the other fields", "an-echo", **FIELDS))
    assert reply.status == 200, reply.body
    assert set(reply.headers["x-tallygate-dropped"].split(", ")) == {"seed", "metadata"}
    (entry,) = anthropic_upstream.requests("the other fields")
    sent = json.loads(entry["body"])
    assert (sent["stop_sequences"], sent["temperature"], sent["max_tokens"]) == (["never said"], 0.5, 500)


@pytest.mark.parametrize(
    ("path", "body", "status", "reason", "field"),
    [
        (CHAT, b"{", 400, "invalid_json", None),
        (GENERATE, b"{", 400, "invalid_json", None),
        (CHAT, {}, 422, "missing_required_parameter", "model"),
        (GENERATE, {}, 422, "missing_required_parameter", "prompt"),
        (CHAT, {"model": "up-echo"}, 422, "missing_required_parameter", "messages"),
        (CHAT, says("hi", "up-echo", stop=[7]), 422, "invalid_value", "stop[0]"),
        (CHAT, says("hi", "up-echo", metadata=["red"]), 422, "invalid_value", "metadata"),
        (GENERATE, {"model": "up-echo", "prompt": 7}, 422, "invalid_value", "prompt"),
        (GENERATE, {"model": "up-echo", "prompt": "hi", "max_tokens": 0}, 422, "invalid_value", "max_tokens"),
        (GENERATE, says("hi", "up-echo", prompt="hi"), 422, "invalid_value", "messages"),
        (CHAT, b'{"model":"a","model":"b"}', 422, "duplicate_key", "model"),
    ],
)
def test_a_body_that_is_wrong(
    gateway: Gateway, path: str, body: Any, status: int, reason: str, field: str | None
) -> None:
    reply = ask(gateway, path, body)
    error = check_error(reply, status, "VALIDATION_ERROR", reason)
    assert error.get("details") == (field and [{"field": field, "message": error["message"]}])
    assert reply.headers["x-should-retry"] == "false"
    assert RECEIPT not in reply.headers


def test_a_field_that_a_provider_cannot_honour(gateway: Gateway) -> None:
    reply = ask(gateway, CHAT, says("json please", "an-echo", response_format={"type": "json_object"}))
    error = check_error(reply, 400, "VALIDATION_ERROR", "unsupported_parameter")
    assert error["details"][0]["field"] == "response_format"


@pytest.mark.parametrize("path", [CHAT, GENERATE])
def test_a_key_that_is_missing_or_none(gateway: Gateway, path: str) -> None:
    body = {**says("let me in", "up-echo"), "prompt": "let me in"}
    del body["messages" if path == GENERATE else "prompt"]
    check_error(ask(gateway, path, body, key=""), 401, "AUTH_TOKEN_MISSING", "invalid_api_key")
    reply = ask(gateway, path, body, key="lx-nobody")
    check_error(reply, 401, "AUTH_TOKEN_INVALID", "invalid_api_key")
    assert reply.headers["www-authenticate"] == "Bearer"


def test_addresses_and_models_that_are_not_there(gateway: Gateway) -> None:
    check_error(ask(gateway, CHAT, says("who", "up-nobody")), 404, "MODEL_NOT_FOUND")
    reply = gateway.ask("GET", CHAT, key=gateway.key)
    check_error(reply, 405, "METHOD_NOT_ALLOWED")
    assert reply.headers["allow"] == "POST"


UPSTREAM_ERRORS = {
    "up-400": (400, "PROVIDER_REJECTED", "provider_rejected"),
    "up-401": (502, "BACKEND_ERROR", "provider_refused_gateway"),
    "up-404": (502, "BACKEND_ERROR", "provider_error"),
    "up-429": (503, "BACKEND_RATE_LIMITED", "overloaded"),
    "up-500": (502, "BACKEND_ERROR", "provider_error"),
    "up-503": (503, "BACKEND_RATE_LIMITED", "overloaded"),
    "up-html": (502, "UPSTREAM_SHAPE_MISMATCH", "invalid_provider_answer"),
    "an-400": (400, "PROVIDER_REJECTED", "provider_rejected"),
    "an-401": (502, "BACKEND_ERROR", "provider_refused_gateway"),
    "an-429": (503, "BACKEND_RATE_LIMITED", "overloaded"),
    "an-529": (503, "BACKEND_RATE_LIMITED", "overloaded"),
    "an-500": (502, "BACKEND_ERROR", "provider_error"),
    "an-html": (502, "UPSTREAM_SHAPE_MISMATCH", "invalid_provider_answer"),
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("model", UPSTREAM_ERRORS)
def test_an_error_of_the_provider(gateway: Gateway, model: str, stream: bool) -> None:
    reply = ask(gateway, CHAT, says("will fail", model, stream=stream))
    status, code, reason = UPSTREAM_ERRORS[model]
    error = check_error(reply, status, code, reason)
    assert reply.headers[RECEIPT]
    assert ("retry-after" in reply.headers) == (status == 503)
    if model in ("up-429", "up-503"):
        assert (reply.headers["retry-after"], error["retry_after"]) == ("7", 7)
    if model == "up-400":
        assert error["metadata"]["provider_code"] == "lab_code"


@pytest.mark.parametrize("path", [CHAT, GENERATE])
@pytest.mark.parametrize("model", ["up-break-after-5", "up-cut-after-5", "up-error-midstream", "an-break-after-5"])
def test_a_stream_that_breaks_ends_in_an_error_event_and_the_terminator(
    gateway: Gateway, model: str, path: str
) -> None:
    said = {"prompt": "many words to break"} if path == GENERATE else says("many words to break", model)
    reply = ask(gateway, path, {**said, "model": model, "stream": True})
    assert reply.status == 200, reply.body
    *chunks, failure, done, end = reply.body.split(b"\n\n")
    assert (done, end) == (DONE.strip(), b"")
    assert chunks
    assert not any(b'finish_reason":"' in chunk or b"meta" in chunk for chunk in chunks)
    name, data = failure.split(b"\n")
    assert name == b"event: error"
    error = json.loads(data.removeprefix(b"data: "))
    assert error["code"] == "BACKEND_ERROR"
    assert error["metadata"]["reason"] in ("stream_broken", "provider_error")
    assert error["message"]
    assert error["request_id"] == reply.headers["x-request-id"]


@both_labs
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_asking_again_gives_the_same_answer(
    gateway: Gateway, upstream: Upstream, anthropic_upstream: Upstream, lab: str, stream: bool
) -> None:
    text, claim = f"ask again {lab}{stream}", ("Idempotency-Key", f"inference-{lab}{stream}")
    body = says(text, f"{lab}echo", stream=stream)
    first, second = (ask(gateway, CHAT, body, claim) for _ in range(2))
    assert (first.status, first.body) == (second.status, second.body)
    assert second.headers["idempotent-replayed"] == "true"
    assert first.headers[RECEIPT] == second.headers[RECEIPT]
    assert len((upstream if lab == "up-" else anthropic_upstream).requests(text)) == 1
    other = ask(gateway, CHAT, says("something else", f"{lab}echo", stream=stream), claim)
    check_error(other, 409, "IDEMPOTENCY_CONFLICT")
    assert other.headers["x-should-retry"] == "false"


def test_what_a_key_may_not_do(gateway: Gateway) -> None:
    tenant = settle_in(gateway, "no-inference")

    def make(name: str, **granted: Any) -> str:
        return administer(gateway, "POST", "keys", {"workspace": tenant.workspace, "name": name, **granted})["key"]

    body = says("may I", "up-echo")
    blind = make("blind", permissions=["accounting:view_own"])
    check_error(ask(gateway, CHAT, body, key=blind), 403, "AUTHZ_PERMISSION_DENIED", "permission_denied")
    elsewhere = make("elsewhere", models=["up-think"])
    check_error(ask(gateway, CHAT, body, key=elsewhere), 403, "MODEL_ACCESS_DENIED")


def test_too_many_calls_at_once(gateway: Gateway, upstream: Upstream) -> None:
    tenant = settle_in(gateway, "one-at-a-time")
    limits = {"level": "user", "owner": "owner", "workspace": tenant.workspace, "concurrency": 1}
    administer(gateway, "PATCH", "limits", limits)
    held = json.dumps(says("gate-of-inference", "up-gated", stream=True)).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {tenant.key}"}
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
    try:
        connection.request("POST", CHAT, held, headers)
        response = connection.getresponse()
        refused = ask(gateway, CHAT, says("one more", "up-echo"), key=tenant.key)
        error = check_error(refused, 429, "RATE_LIMITED", "concurrency_limit")
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert "x-should-retry" not in refused.headers
        assert error["metadata"].keys() > {"reason"}
        upstream.open_gate("gate-of-inference")
        assert response.read().endswith(DONE)
    finally:
        connection.close()


def test_money_is_quoted_charged_told_and_short(priced_gateway: Gateway) -> None:
    tenant = settle_in(priced_gateway, "acme")
    for path in (CHAT, GENERATE):
        body = {"model": "up-echo", "max_tokens": 300, "prompt": "hello"}
        body = says("hello", "up-echo", max_tokens=300) if path == CHAT else body
        quoted = tenant.send("POST", "/v1/quote", {"url": path, "body": body}).json["data"]
        whole, streamed = tenant.send("POST", path, body), tenant.send("POST", path, {**body, "stream": True})
        for reply, meta in ((whole, whole.json["meta"]), (streamed, read_chunks(streamed.body)[-1]["meta"])):
            call = tenant.read(f"/v1/generation?id={reply.headers[RECEIPT]}")
            assert (meta["receipt_id"], meta["cost_usd"]) == (call["id"], call["charged_usd"])
            assert call["charged_nusd"] == 1_000 * call["tokens_prompt"] + 2_000 * call["tokens_completion"] > 0
        call = tenant.read(f"/v1/generation?id={whole.headers[RECEIPT]}")
        assert call["reserved_nusd"] == quoted["max_cost_nusd"]
        assert whole.headers["x-tallygate-cost-usd"] == call["charged_usd"]
    limits = {"level": "workspace", "owner": "acme", "budgets": {"daily": "0.000001"}}
    administer(priced_gateway, "PATCH", "limits", limits)
    spent = check_error(tenant.send("POST", CHAT, says("hello", "up-echo")), 402, "BUDGET_EXCEEDED")
    assert spent["metadata"].keys() >= {"needed_usd", "available_usd", "limit_of"}
    administer(priced_gateway, "PATCH", "limits", {**limits, "budgets": {"daily": None}})
    administer(priced_gateway, "POST", "payouts", {"workspace": "acme", "usd": "0.99", "id": "back"})
    poor = send(priced_gateway, tenant.key, "POST", CHAT, says("hello " * 9_000, "up-echo"))
    check_error(poor, 402, "INSUFFICIENT_BALANCE")
    assert poor.headers["x-should-retry"] == "false"
