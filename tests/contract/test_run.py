"""Runs over real sockets, before a provider of each language: answers, streams, tools, errors with their codes; and a
gateway whose providers are in different places, with policies that are obeyed and stand in receipts.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from tests.contract.gateway import Gateway, Reply, clean_env, start_gateway
from tests.contract.tenants import RECEIPT, settle_in
from tests.contract.test_receipts import WELL_KNOWN, run_verifier, wait_for
from tests.fakes.upstream import PROVIDER_KEY, Upstream

RUN, CHAT = "/v1/run/inference", "/v1/chat/completions"
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


def ask(gateway: Gateway, body: Any, *headers: tuple[str, str], key: str | None = None, path: str = RUN) -> Reply:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return gateway.ask("POST", path, raw, [JSON, *headers], key=gateway.key if key is None else key)


def read_frames(body: bytes) -> list[Any]:
    """The frames of a stream that came to its end."""
    assert body.endswith(DONE)
    assert b"event:" not in body
    return [json.loads(block.removeprefix(b"data: ")) for block in body.removesuffix(DONE).split(b"\n\n")[:-1]]


def check_told(reply: Reply, told: dict[str, Any], lab: str) -> None:
    """What a whole answer and a summary tell alike."""
    assert told["run_id"] == told["receipt_id"] == reply.headers[RECEIPT] == reply.headers["x-run-id"]
    assert told["model_passport_id"] == reply.headers["x-model-passport-id"] == f"{lab}echo"
    served = f"{LABS[lab]}/up-echo"
    assert told["compute_passport_id"] == reply.headers["x-compute-passport-id"] == served
    assert (told["runtime"], told["used_fallback"], told["cost_usd"]) == (LABS[lab], False, "0.00")
    assert 0 <= told["ttft_ms"] <= told["total_latency_ms"]
    assert told["tokens_in"] > 0
    assert told["tokens_out"] > 0


@both_labs
def test_a_whole_answer(gateway: Gateway, lab: str) -> None:
    asked = {"model_passport_id": f"passport:{lab}echo", "prompt": "four words of mine", "trace_id": "t-1"}
    reply = ask(gateway, asked, ("X-Request-ID", f"run-{lab}1"))
    assert reply.status == 200, reply.body
    told = reply.json
    assert (told["success"], told["finish_reason"], told["trace_id"]) == (True, "stop", "t-1")
    assert told["request_id"] == reply.headers["x-request-id"] == f"run-{lab}1"
    assert "four words of mine" in told["text"]
    check_told(reply, told, lab)


@both_labs
def test_a_stream(gateway: Gateway, lab: str) -> None:
    asked = {"model": f"{lab}echo", "messages": [{"role": "user", "content": "a streamed run"}], "request_id": "mine"}
    whole = ask(gateway, asked).json
    reply = ask(gateway, {**asked, "stream": True})
    assert reply.headers["content-type"].startswith("text/event-stream")
    *texts, summary = read_frames(reply.body)
    assert {frame["run_id"] for frame in texts} == {reply.headers["x-run-id"]}
    assert [frame["is_first"] for frame in texts] == [True, *([False] * (len(texts) - 1))]
    assert [frame["is_last"] for frame in texts] == [*([False] * (len(texts) - 1)), True]
    assert "".join(frame["text"] for frame in texts) == whole["text"]
    assert (texts[-1]["finish_reason"], summary["done"], summary["request_id"]) == ("stop", True, "mine")
    check_told(reply, summary, lab)


@both_labs
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_tool_is_called_and_its_result_taken(gateway: Gateway, lab: str, stream: bool) -> None:
    said: list[dict[str, Any]] = [{"role": "user", "content": "how is the weather"}]
    asked = {"model": f"{lab}echo", "tools": [WEATHER], "max_tokens": 500}
    reply = ask(gateway, {**asked, "messages": said, "tool_choice": "required", "stream": stream})
    assert reply.status == 200, reply.body
    if stream:
        pieces = [piece for frame in read_frames(reply.body) for piece in frame.get("tool_calls", ())]
        call = pieces[0]
        call["function"]["arguments"] = "".join(piece["function"]["arguments"] for piece in pieces)
    else:
        (call,) = reply.json["tool_calls"]
        assert reply.json["finish_reason"] == "tool_calls"
    assert (call["type"], call["function"]["name"]) == ("function", "weather")
    assert json.loads(call["function"]["arguments"]).keys() <= {"city"}
    call = {name: call[name] for name in ("id", "type", "function")}
    turns = [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": call["id"], "content": "18 degrees"},
    ]
    reply = ask(gateway, {**asked, "messages": [*said, *turns]})
    assert reply.status == 200, reply.body
    assert reply.json["text"]


def check_refusal(reply: Reply, status: int, code: str) -> dict[str, Any]:
    """The body, which it returns, of a run that was sent to nobody."""
    assert reply.status == status, reply.body
    told = reply.json
    assert (told["success"], told["error_code"]) == (False, code)
    assert told["run_id"] == told["request_id"] == reply.headers["x-request-id"]
    assert told["error"]
    assert RECEIPT not in reply.headers
    return told


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "MISSING_REQUIRED_PARAMETER"),
        (b'{"model":', 400, "INVALID_JSON"),
        ({"model": "up-echo", "prompt": "x", "bogus": 1}, 422, "INVALID_VALUE"),
        ({"model": "up-echo", "prompt": "x", "messages": []}, 422, "INVALID_VALUE"),
        ({"model": "nobody-has-it", "prompt": "x"}, 404, "MODEL_NOT_FOUND"),
        ({"model": "up-echo", "prompt": "x", "policy": {}}, 422, "INVALID_POLICY"),
        (
            {
                "model": "up-echo",
                "prompt": "x",
                "policy": {"policy_version": "1", "attestation": {"attestation_required": True}},
            },
            422,
            "ATTESTATION_REQUIRED_NOT_SUPPORTED",
        ),
        (
            {"model": "up-echo", "prompt": "x", "policy": {"policy_version": "1", "allow_regions": ["eu"]}},
            422,
            "NO_COMPATIBLE_COMPUTE",
        ),
        ({"model": "up-echo", "prompt": "x", "compute_passport_id": "anlab"}, 422, "NO_COMPATIBLE_COMPUTE"),
    ],
)
def test_a_refusal(gateway: Gateway, body: Any, status: int, code: str) -> None:
    check_refusal(ask(gateway, body), status, code)


def test_a_key_that_is_none(gateway: Gateway) -> None:
    check_refusal(ask(gateway, {"model": "up-echo", "prompt": "x"}, key="lx-none"), 401, "INVALID_API_KEY")


@both_labs
@pytest.mark.parametrize(
    ("model", "status", "code"),
    [("400", 400, "PROVIDER_REJECTED"), ("429", 503, "RATE_LIMIT"), ("500", 503, "PROVIDER_ERROR")],
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_providers_error(gateway: Gateway, lab: str, model: str, status: int, code: str, stream: bool) -> None:
    reply = ask(gateway, {"model": f"{lab}{model}", "prompt": "x", "stream": stream})
    assert (reply.status, reply.json["error_code"]) == (status, code)
    assert reply.json["run_id"] == reply.headers[RECEIPT] == reply.headers["x-run-id"]
    assert (reply.headers["x-tallygate-model"], reply.headers["x-tallygate-backend"]) == (f"up-{model}", LABS[lab])
    assert ("retry-after" in reply.headers) == (status == 503)


@both_labs
def test_a_stream_that_breaks(gateway: Gateway, lab: str) -> None:
    reply = ask(gateway, {"model": f"{lab}error-midstream", "prompt": "one two three four five", "stream": True})
    *_, last, end = reply.body.split(b"\n\n")
    told = json.loads(last.removeprefix(b"data: "))
    # One of them says that it is overloaded.
    code = "PROVIDER_ERROR" if lab == "up-" else "RATE_LIMIT"
    assert (end, reply.status, told["error_code"]) == (b"", 200, code)
    assert told["request_id"] == reply.headers["x-request-id"]
    assert DONE not in reply.body


PLACES = """
[providers.lab]
base_url = "{url}"
speaks = {{ openai_chat = "/v1/chat/completions" }}
api_key_env = "LAB_KEY"
regions = ["eu-west-1"]
keeps_inputs = false
[providers.den]
base_url = "{url}"
speaks = {{ openai_chat = "/v1/chat/completions" }}
api_key_env = "LAB_KEY"
regions = ["us-east-1"]
keeps_inputs = true
[models."up-echo"]
targets = ["lab/up-echo", "den/up-echo"]
price = {{ input = "1.00", output = "2.00" }}
"""


def test_policies_are_obeyed_and_stand_in_receipts(upstream: Upstream, tmp_path: Path) -> None:
    config, keys = tmp_path / "tallygate.toml", tmp_path / "keys.json"
    config.write_text(PLACES.format(url=upstream.url))
    bundles: list[Path] = []
    with start_gateway(clean_env(tmp_path, LAB_KEY=PROVIDER_KEY, TALLYGATE_CONFIG=str(config))) as gateway:
        tenant = settle_in(gateway, "acme")

        def run(path: str = RUN, **members: Any) -> Reply:
            asked = {"prompt": "x"} if path == RUN else {"messages": [{"role": "user", "content": "x"}]}
            return ask(gateway, {"model": "up-echo", "max_tokens": 50, **asked, **members}, key=tenant.key, path=path)

        eu: dict[str, Any] = {"policy_version": "1.0", "allow_regions": ["eu"], "residency_required": True}
        us: dict[str, Any] = {"policy_version": "1.0", "allow_regions": ["us"]}
        private: dict[str, Any] = {"policy_version": "1.0", "privacy": {"store_inputs": False}}
        dear: dict[str, Any] = {"policy_version": "1.0", "cost": {"max_price_per_1k_tokens_usd": 0.002}}
        for policy, path, provider in (
            (eu, RUN, "lab"),
            (us, RUN, "den"),
            (us, CHAT, "den"),
            (private, RUN, "lab"),
            (dear, RUN, "lab"),
        ):
            reply = run(path, policy=policy)
            told = reply.json if path == RUN else reply.json["run"]
            digest = hashlib.sha256(rfc8785.dumps(policy)).hexdigest()
            assert (told["policy_hash"], told["compute_passport_id"]) == (digest, f"{provider}/up-echo")
            bundles.append(tmp_path / f"{len(bundles)}.json")
            bundles[-1].write_bytes(wait_for(tenant, f"/v1/receipts/{told['receipt_id']}").body)
            receipt = json.loads(bundles[-1].read_bytes())["receipt"]
            assert (receipt["request"]["policy"], receipt["route"]["provider"]) == (digest, provider)
        pinned = run(compute_passport_id="den/up-echo")
        assert pinned.json["compute_passport_id"] == "den/up-echo"
        receipt = wait_for(tenant, f"/v1/receipts/{pinned.json['run_id']}").json["receipt"]
        assert "policy" not in receipt["request"]
        cheap = {"policy_version": "1.0", "cost": {"max_price_per_1k_tokens_usd": 0.0019}}
        assert check_refusal(run(policy=cheap), 422, "NO_COMPATIBLE_COMPUTE")["reasons"] == ["COST_BUDGET_EXCEEDED"]
        both = {**us, "privacy": {"store_inputs": False}}
        told = check_refusal(run(policy=both), 422, "NO_COMPATIBLE_COMPUTE")
        assert set(told["reasons"]) == {"REGION_NOT_ALLOWED", "NO_RUNTIME_MATCH"}
        keys.write_bytes(gateway.ask("GET", WELL_KNOWN).body)
    code, said = run_verifier(*bundles, "--keys", keys)
    assert code == 0, said
    bundles[0].write_bytes(bundles[0].read_bytes().replace(b'"policy":"', b'"policy":"0', 1))
    assert run_verifier(bundles[0], "--keys", keys)[0] == 1
