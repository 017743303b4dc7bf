"""OpenRouter's flavour over real sockets: each status that its clients have a class for, where it arises; wishes that
are obeyed; money that is told alike wherever it is asked for.
"""

import http.client
import json
from collections.abc import Callable, Generator
from decimal import Decimal
from typing import Any

import pytest

from tests.contract.gateway import Gateway, Reply, clean_env, read_reply, start_gateway
from tests.contract.tenants import JSON, Tenant, administer, settle_in
from tests.fakes.upstream import PROVIDER_KEY, Upstream

CHAT = "/api/v1/chat/completions"
DONE = b"data: [DONE]\n\n"
PRICE = 'price = { input = "1.00", output = "2.00" }\n'


@pytest.fixture(scope="module")
def gateway(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Generator[Gateway]:
    """A gateway that waits for nobody long, with two providers, one of which costs more."""
    folder = tmp_path_factory.mktemp("flavour")
    names = ("up-echo", "up-400", "up-429", "up-500", "up-silent", "up-gated", "up-break-after-3")
    rows = "".join(
        f'[providers.{name}]\nbase_url = "{upstream.url}"\nspeaks = {{ openai_chat = "/v1/chat/completions" }}\n'
        'api_key_env = "LAB_KEY"\n'
        for name in ("lab", "den")
    )
    rows += "".join(f'[models."{name}"]\ntargets = ["lab/{name}", "den/{name}"]\n{PRICE}' for name in names)
    rows += '[models.dear]\ntargets = ["lab/up-echo"]\nprice = { input = "9.00", output = "9.00" }\n'
    rows += "[server]\nbody_bytes_max = 20000\nbody_s = 1\n[transport]\nfirst_byte_ms = 500\n"
    path = folder / "tallygate.toml"
    path.write_text(rows)
    with start_gateway(clean_env(folder, LAB_KEY=PROVIDER_KEY), "--config", str(path)) as running:
        yield running


@pytest.fixture(scope="module")
def tenant(gateway: Gateway) -> Tenant:
    return settle_in(gateway, "flavoured")


def says(model: str = "up-echo", **more: Any) -> dict[str, Any]:
    return {"model": model, "max_tokens": 50, "messages": [{"role": "user", "content": "two words"}], **more}


def check_error(reply: Reply, status: int, kind: str) -> dict[str, Any]:
    error = json.loads(reply.body)["error"]
    assert (reply.status, error["code"], error["metadata"]["error_type"]) == (status, status, kind), reply.body
    assert error["metadata"]["request_id"] == reply.headers["x-request-id"]
    return error


def send_raw(tenant: Tenant, body: bytes) -> Reply:
    return tenant.gateway.ask("POST", CHAT, body, [JSON], key=tenant.key)


def ask_without_key(tenant: Tenant) -> Reply:
    return tenant.gateway.ask("POST", CHAT, json.dumps(says()).encode(), [JSON])


def ask_poor(tenant: Tenant) -> Reply:
    return settle_in(tenant.gateway, "poor", "0.000001").send("POST", CHAT, says())


def ask_barred(tenant: Tenant) -> Reply:
    made = {"workspace": tenant.workspace, "name": "barred", "models": ["dear"]}
    key = administer(tenant.gateway, "POST", "keys", made)["key"]
    return tenant._replace(key=key).send("POST", CHAT, says())


def ask_slowly(tenant: Tenant) -> Reply:
    connection = http.client.HTTPConnection("127.0.0.1", tenant.gateway.port, timeout=30)
    try:
        connection.putrequest("POST", CHAT)
        for name, value in (JSON, ("Content-Length", "100"), ("Authorization", f"Bearer {tenant.key}")):
            connection.putheader(name, value)
        connection.endheaders(b"{")
        return read_reply(connection.getresponse())
    finally:
        connection.close()


STATUSES: dict[str, tuple[Callable[[Tenant], Reply], int, str]] = {
    "no JSON": (lambda tenant: send_raw(tenant, b"{"), 400, "invalid_request"),
    "a wrong field": (lambda tenant: tenant.send("POST", CHAT, says(temperature=9)), 400, "invalid_request"),
    "refused by the provider": (lambda tenant: tenant.send("POST", CHAT, says("up-400")), 400, "invalid_request"),
    "no key": (ask_without_key, 401, "authentication"),
    "no money": (ask_poor, 402, "payment_required"),
    "another model's key": (ask_barred, 403, "permission_denied"),
    "no such model": (lambda tenant: tenant.send("POST", CHAT, says("nope")), 404, "not_found"),
    "nobody left": (
        lambda tenant: tenant.send("POST", CHAT, says(provider={"only": ["shed"]})),
        404,
        "not_found",
    ),
    "a slow body": (ask_slowly, 408, "timeout"),
    "a long body": (lambda tenant: send_raw(tenant, b" " * 30_000), 413, "payload_too_large"),
    "a key twice": (lambda tenant: send_raw(tenant, b'{"model":"a","model":"b"}'), 422, "unprocessable"),
    "a failing provider": (lambda tenant: tenant.send("POST", CHAT, says("up-500")), 502, "provider_unavailable"),
    "a silent provider": (lambda tenant: tenant.send("POST", CHAT, says("up-silent")), 524, "timeout"),
    "a busy provider": (lambda tenant: tenant.send("POST", CHAT, says("up-429")), 529, "provider_overloaded"),
}
"""By what goes wrong. 429 is below; 500 and 503 are in tests/api: nobody outside can break a gateway."""


@pytest.mark.parametrize("fault", STATUSES, ids=lambda fault: fault.replace(" ", "_"))
def test_each_status_arises_where_it_should(fault: str, tenant: Tenant) -> None:
    ask, status, kind = STATUSES[fault]
    reply = ask(tenant)
    check_error(reply, status, kind)
    assert ("retry-after" in reply.headers) == (status == 529)
    pointless = status < 500 and status != 408
    assert reply.headers.get("x-should-retry") == ("false" if pointless else None)


def test_too_many_calls_at_once(gateway: Gateway, upstream: Upstream) -> None:
    tenant = settle_in(gateway, "one-at-a-time")
    limits = {"level": "user", "owner": "owner", "workspace": tenant.workspace, "concurrency": 1}
    administer(gateway, "PATCH", "limits", limits)
    held = says("up-gated", stream=True)
    held["messages"][0]["content"] = "gate-of-flavour"
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
    try:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {tenant.key}"}
        connection.request("POST", CHAT, json.dumps(held).encode(), headers)
        response = connection.getresponse()
        refused = tenant.send("POST", CHAT, says())
        check_error(refused, 429, "rate_limit_exceeded")
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        upstream.open_gate("gate-of-flavour")
        assert response.read().endswith(DONE)
    finally:
        connection.close()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_the_cost_is_the_same_wherever_it_is_told(stream: bool, gateway: Gateway) -> None:
    tenant = settle_in(gateway, f"told-{stream}")
    reply = tenant.send("POST", CHAT, says(stream=stream))
    last = read_chunks(reply.body)[-1] if stream else json.loads(reply.body, parse_float=Decimal)
    usage = last["usage"]
    assert usage["cost"] == Decimal(usage["prompt_tokens"] + 2 * usage["completion_tokens"]) / 10**6 > 0
    details = usage["cost_details"]
    parts = details["upstream_inference_prompt_cost"] + details["upstream_inference_completions_cost"]
    assert parts == usage["cost"]
    call = tenant.read(f"/api/v1/generation?id={last['id']}")
    assert (call["total_cost"], call["id"]) == (usage["cost"], reply.headers["x-generation-id"])
    assert call["tokens_prompt"] == usage["prompt_tokens"]
    assert tenant.read("/api/v1/credits") == {"total_credits": 1, "total_usage": usage["cost"]}
    assert tenant.read("/api/v1/key")["usage_daily"] == usage["cost"]
    assert (
        Decimal(tenant.read(f"/v1/generation?id={reply.headers['x-tallygate-receipt-id']}")["total_cost"])
        == (usage["cost"])
    )


def read_chunks(body: bytes) -> list[Any]:
    assert body.endswith(DONE)
    frames = body.removesuffix(DONE).split(b"\n\n")
    return [json.loads(frame[6:], parse_float=Decimal) for frame in frames if frame.startswith(b"data: ")]


def test_a_stream_that_breaks_tells_so_and_costs_what_was_said(gateway: Gateway) -> None:
    tenant = settle_in(gateway, "broken")
    reply = tenant.send("POST", CHAT, says("up-break-after-3", stream=True))
    last = json.loads(reply.body.rstrip().split(b"\n\n")[-1].removeprefix(b"data: "))
    assert (last["id"], last["error"]["code"]) == (reply.headers["x-generation-id"], 502)
    assert last["choices"][0]["finish_reason"] == "error"


@pytest.mark.parametrize(
    ("wishes", "backend"),
    [
        ({}, "lab"),
        ({"provider": {"order": ["den"]}}, "den"),
        ({"provider": {"only": ["Den"]}}, "den"),
        ({"provider": {"ignore": ["lab"]}}, "den"),
        ({"provider": {"max_price": {"prompt": "1", "completion": 2}, "order": ["den", "lab"]}}, "den"),
        ({"provider": {"sort": "price", "allow_fallbacks": False}}, "lab"),
    ],
)
def test_who_serves_is_as_the_caller_wishes(wishes: dict[str, Any], backend: str, tenant: Tenant) -> None:
    reply = tenant.send("POST", CHAT, says(**wishes))
    assert (reply.status, reply.headers["x-tallygate-backend"]) == (200, backend), reply.body


@pytest.mark.parametrize(
    ("provider", "causes"),
    [
        ({"ignore": ["lab", "den"]}, ["allowed_providers"]),
        ({"max_price": {"prompt": "0.999999"}}, ["max_price"]),
        ({"zdr": True}, ["data_policy:zdr"]),
    ],
)
def test_where_nobody_is_left_the_reason_is_told(provider: dict[str, Any], causes: list[str], tenant: Tenant) -> None:
    error = check_error(tenant.send("POST", CHAT, says(provider=provider)), 404, "not_found")
    told = error["availability"]
    assert (told["excluded_by"], told["affected_providers"]) == (causes, ["den", "lab"])
    assert (told["retryable"], told["requested_models"]) == (False, ["up-echo"])


def test_the_model_that_serves_is_the_one_that_is_paid_for(tenant: Tenant) -> None:
    body = says(models=["dear"])
    del body["model"]
    for named in ({**body, "model": "up-500"}, {**body, "models": ["up-500", "dear:floor"]}):
        reply = tenant.send("POST", CHAT, named)
        usage = json.loads(reply.body, parse_float=Decimal)["usage"]
        assert usage["cost"] == Decimal(9 * usage["total_tokens"]) / 10**6
        assert tenant.read(f"/api/v1/generation?id={reply.json['id']}")["model"] == "dear"


def test_messages_and_responses_stand_there_too(tenant: Tenant) -> None:
    message = tenant.send("POST", "/api/v1/messages", says()).json
    assert message["type"] == "message"
    response = tenant.send("POST", "/api/v1/responses", {"model": "up-echo", "input": "hi", "max_output_tokens": 50})
    assert response.json["object"] == "response"


def test_models_tell_their_prices(gateway: Gateway) -> None:
    told = {model["id"]: model for model in gateway.ask("GET", "/api/v1/models").json["data"]}
    assert told["dear"]["pricing"]["prompt"] == "0.000009"
    assert told["up-echo"]["pricing"]["completion"] == "0.000002"
    assert gateway.ask("GET", "/api/v1/model/dear").json["data"] == told["dear"]
