"""The relay: three modes, targets that take over, and ends that are held until the call is closed."""

import asyncio
from collections.abc import Mapping

import msgspec
import pytest
from msgspec import structs

from tallygate.access.admission import Admitted
from tallygate.dialects.registry import DIALECTS
from tallygate.errors import (
    InvalidAnswer,
    ProviderRejected,
    ProviderUnreachable,
    StreamBroken,
    TallygateError,
    UnsupportedParameter,
)
from tallygate.genai.items import Bound
from tallygate.genai.plan import Plan, Target
from tallygate.ledger.bound import OUTPUT_TOKENS_DEFAULT
from tallygate.ledger.prices import price_free
from tallygate.ledger.quote import Quote
from tallygate.pipeline.call import Call
from tallygate.pipeline.relay import Relay, Relayed
from tallygate.pipeline.watch import Watch
from tallygate.providers.base import OutputCapKey, Provider
from tallygate.router.gates import Gates
from tallygate.transport.base import Timeouts
from tests.fakes.exits import JSON, KeptClient, Script, ScriptedExit, fetch_nothing
from tests.fakes.ledger import build_town, hold

pytestmark = pytest.mark.anyio

PROVIDER = Provider(name="lab", title="Lab", base_url="http://lab", speaks={"openai_chat": "/v1/chat/completions"})
PROVIDERS = {"lab": PROVIDER, "den": msgspec.structs.replace(PROVIDER, name="den")}
HEAD = b'{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m",'
HELLO = b"data: " + HEAD + b'"choices":[{"index":0,"delta":{"role":"assistant","content":"hello"}}]}\n\n'
STOP = b"data: " + HEAD + b'"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
USAGE = b"data: " + HEAD + b'"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}\n\n'
DONE = b"data: [DONE]\n\n"
WHOLE = (
    b'{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"hello"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}'
)


def make_call(client: KeptClient, **fields: object) -> Call:
    request: dict[str, object] = {"model": "m", "messages": [{"role": "user", "content": "hi"}], **fields}
    body = msgspec.json.encode(request)
    dialect = DIALECTS["openai_chat"]
    return Call(
        call_id="call_1",
        request_id="req_1",
        operation="chat",
        dialect=dialect,
        body=body,
        peek=dialect.peek(body, 64),
        credential=None,
        forwarded=(),
        client=client,
        arrived_ns=0,
    )


def make_plan(*targets: str) -> Plan:
    return Plan(request_model="m", operation="chat", targets=tuple(Target(name, "m") for name in targets or ("lab",)))


def admit(cap: int = 0, *, wished: int | None = None) -> Admitted:
    """A hold for so much output at a price, of a wish for more; 0: the model is free."""
    bound = Bound(0, 1 if cap else 0, wished or cap)
    held = structs.replace(hold(build_town(credit_nusd=1_000), "call_1", bound=bound), output_tokens_max=cap)
    return Admitted("k1", Quote(price_free("sale", "m"), "p1", bound), held)


async def serve(
    call: Call,
    exit_: ScriptedExit,
    plan: Plan | None = None,
    rows: Mapping[str, Provider] = PROVIDERS,
    admitted: Admitted | None = None,
    gates: Gates | None = None,
) -> Relayed:
    relay = Relay(exit_, lambda: rows, Timeouts(), fetch=fetch_nothing, gates=gates or Gates())
    return await relay.serve(call, plan or make_plan(), admitted or admit(), Watch(call))


async def test_a_whole_answer_keeps_every_byte() -> None:
    exit_ = ScriptedExit(Script(headers=JSON, pieces=[WHOLE[:20], WHOLE[20:]]))
    relayed = await serve(make_call(KeptClient()), exit_)
    assert relayed.closing == WHOLE
    assert relayed.outcome.status == "ok"
    assert relayed.outcome.usage is not None
    assert relayed.outcome.usage.total_tokens == 4
    assert relayed.outcome.finish_reasons == ("stop",)


async def test_a_request_that_needs_no_change_goes_through_untouched() -> None:
    exit_ = ScriptedExit(Script(headers=JSON, pieces=[WHOLE]))
    call = make_call(KeptClient(), unknown_field={"a": [1, 2.50]})
    await serve(call, exit_)
    assert exit_.asked[0].body is call.body
    assert exit_.asked[0].url == "http://lab/v1/chat/completions"


@pytest.mark.parametrize("asked", [True, False])
async def test_content_goes_at_once_and_the_end_is_held(asked: bool) -> None:
    client = KeptClient()
    options = {"stream_options": {"include_usage": True}} if asked else {}
    exit_ = ScriptedExit(Script(pieces=[HELLO, STOP + USAGE, DONE]))
    relayed = await serve(make_call(client, stream=True, **options), exit_)
    assert client.body == HELLO + STOP
    assert not client.ended
    # Usage is asked for in any case; a client that did not ask never sees it.
    assert msgspec.json.decode(exit_.asked[0].body)["stream_options"] == {"include_usage": True}
    assert relayed.closing == (USAGE + DONE if asked else DONE)
    assert relayed.outcome.usage is not None
    assert relayed.outcome.chunks_delivered == 2


async def test_any_split_of_the_stream_gives_the_same_bytes() -> None:
    whole = HELLO + STOP + DONE
    for cut in range(1, len(whole)):
        client = KeptClient()
        relayed = await serve(make_call(client, stream=True), ScriptedExit(Script(pieces=[whole[:cut], whole[cut:]])))
        assert client.body + relayed.closing == whole


async def test_another_target_takes_over_before_the_first_event() -> None:
    client = KeptClient()
    exit_ = ScriptedExit(
        Script(refuse=ProviderUnreachable()),
        Script(pieces=[b": waiting\n\n", StreamBroken()]),
        Script(pieces=[HELLO, STOP, DONE]),
    )
    relayed = await serve(make_call(client, stream=True), exit_, make_plan("lab", "den", "lab"))
    assert client.body == HELLO + STOP
    assert [attempt.error_code for attempt in relayed.outcome.attempts] == ["provider_unreachable", "stream_broken", ""]
    assert relayed.outcome.status == "ok"


async def test_a_provider_that_went_since_the_plan_was_made_is_passed_over() -> None:
    client = KeptClient()
    plan = make_plan("gone", "den")
    relayed = await serve(make_call(client, stream=True), ScriptedExit(Script(pieces=[HELLO, STOP, DONE])), plan)
    assert (client.body, relayed.outcome.status) == (HELLO + STOP, "ok")
    nobody = await serve(make_call(KeptClient()), ScriptedExit(), make_plan("gone"))
    assert nobody.error is not None
    assert nobody.error.code == "no_endpoints"
    assert "gone/m: provider gone is not configured any more" in nobody.error.message


async def test_others_have_their_turn_between_targets_that_were_not_asked() -> None:
    exit_ = ScriptedExit(Script(headers=JSON, pieces=[WHOLE]))
    turns: list[int] = []
    asyncio.get_running_loop().call_soon(lambda: turns.append(len(exit_.asked)))
    rows = {**PROVIDERS, "claude": MESSAGES}
    relayed = await serve(make_call(KeptClient(), n=2), exit_, make_plan("claude", "lab"), rows)
    assert relayed.outcome.status == "ok"
    assert turns == [0]


async def test_no_target_takes_over_once_something_was_delivered() -> None:
    client = KeptClient()
    exit_ = ScriptedExit(Script(pieces=[HELLO, StreamBroken()]), Script(pieces=[HELLO, STOP, DONE]))
    relayed = await serve(make_call(client, stream=True), exit_, make_plan("lab", "den"))
    assert len(exit_.asked) == 1
    assert isinstance(relayed.error, StreamBroken)
    assert relayed.outcome.status == "partial"
    assert relayed.closing == b""


async def test_what_the_caller_did_wrong_is_not_tried_elsewhere() -> None:
    body = b'{"error":{"message":"bad temperature","type":"invalid_request_error","param":null,"code":null}}'
    exit_ = ScriptedExit(Script(status=400, headers=JSON, pieces=[body]), Script(headers=JSON, pieces=[WHOLE]))
    relayed = await serve(make_call(KeptClient()), exit_, make_plan("lab", "den"))
    assert isinstance(relayed.error, ProviderRejected)
    assert len(exit_.asked) == 1
    assert exit_.answers[0].closed


@pytest.mark.parametrize(
    "pieces",
    [[HELLO], [HELLO, b"data: {"], [HELLO, b"data: garbage\n\n"], [HELLO, b'data: {"error":{"message":"x"}}\n\n']],
    ids=["eof", "cut", "garbage", "error"],
)
async def test_a_broken_stream_never_looks_like_an_end(pieces: list[bytes | TallygateError | asyncio.Event]) -> None:
    client = KeptClient()
    call = make_call(client, stream=True)
    relayed = await serve(call, ScriptedExit(Script(pieces=pieces)))
    assert relayed.error is not None
    await call.refuse(relayed.error)
    assert b"[DONE]" not in client.body
    assert b'"error"' in client.body
    assert client.ended


async def test_a_leaving_client_closes_the_upstream() -> None:
    never = asyncio.Event()
    call: Call
    client = KeptClient(on_send=lambda _: call.departure.leave())
    call = make_call(client, stream=True)
    exit_ = ScriptedExit(Script(pieces=[HELLO, never, STOP, DONE]))
    relayed = await serve(call, exit_)
    assert relayed.client_gone
    assert exit_.answers[0].closed
    assert relayed.outcome.status == "cancelled"
    assert relayed.outcome.chunks_delivered <= 1


async def test_a_provider_that_does_not_stream_still_gives_a_stream() -> None:
    relayed = await serve(make_call(KeptClient(), stream=True), ScriptedExit(Script(headers=JSON, pieces=[WHOLE])))
    assert relayed.closing.startswith(b"data: ")
    assert relayed.closing.endswith(DONE)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_page_where_an_answer_should_be_is_the_providers_fault(stream: bool) -> None:
    exit_ = ScriptedExit(Script(headers={"content-type": "text/html"}, pieces=[b"<html>secret</html>"]))
    relayed = await serve(make_call(KeptClient(), stream=stream), exit_)
    assert isinstance(relayed.error, InvalidAnswer)
    assert "secret" not in relayed.error.message


MESSAGES = msgspec.structs.replace(PROVIDER, name="claude", speaks={"anthropic_messages": "/v1/messages"})
ANSWER = (
    b'{"id":"msg_1","type":"message","role":"assistant","model":"c","content":[{"type":"text","text":"hello"}],'
    b'"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":1}}'
)


async def translate(call: Call, exit_: ScriptedExit, row: Provider, admitted: Admitted | None = None) -> Relayed:
    return await serve(call, exit_, make_plan(row.name), {row.name: row}, admitted)


async def test_a_call_crosses_to_another_dialect_and_back() -> None:
    exit_ = ScriptedExit(Script(headers=JSON, pieces=[ANSWER]))
    relayed = await translate(make_call(KeptClient(), seed=7), exit_, MESSAGES)
    asked = msgspec.json.decode(exit_.asked[0].body)
    assert asked["max_tokens"] == MESSAGES.output_tokens_default
    headers = dict(relayed.headers)
    assert headers["x-tallygate-output-cap"] == str(MESSAGES.output_tokens_default)
    assert headers["x-tallygate-dropped"] == "seed"
    answer = msgspec.json.decode(relayed.closing)
    assert answer["choices"][0]["message"]["content"] == "hello"
    assert answer["created"] > 0, "the other dialect tells no time, this one promises it"


async def test_a_cap_of_the_callers_own_is_not_replaced() -> None:
    exit_ = ScriptedExit(Script(headers=JSON, pieces=[ANSWER]))
    relayed = await translate(make_call(KeptClient(), max_completion_tokens=5), exit_, MESSAGES)
    assert msgspec.json.decode(exit_.asked[0].body)["max_tokens"] == 5
    assert "x-tallygate-output-cap" not in dict(relayed.headers)


@pytest.mark.parametrize("key", ["max_tokens", "max_completion_tokens"])
async def test_a_cap_goes_under_the_key_that_the_provider_heeds(key: OutputCapKey) -> None:
    exit_ = ScriptedExit(Script(headers=JSON, pieces=[WHOLE]))
    row = msgspec.structs.replace(PROVIDER, output_cap_key=key)
    await translate(make_call(KeptClient(), max_tokens=5), exit_, row)
    asked = msgspec.json.decode(exit_.asked[0].body)
    assert {name: asked[name] for name in asked if name.startswith("max_")} == {key: 5}


CAPS: list[tuple[dict[str, object], int, int, str | None]] = [
    # what the client said, what was wished for, what was granted, what the header says
    ({}, 700, 700, None),
    ({}, 700, 300, "300"),
    ({}, OUTPUT_TOKENS_DEFAULT, OUTPUT_TOKENS_DEFAULT, str(OUTPUT_TOKENS_DEFAULT)),
    ({"max_tokens": 700}, 700, 700, None),
    ({"max_tokens": 900}, 700, 700, "700"),
    ({"max_completion_tokens": 900}, 700, 700, "700"),
]


@pytest.mark.parametrize(("said", "wished", "granted", "shown"), CAPS)
async def test_the_cap_that_was_held_for_is_sent(
    said: dict[str, object], wished: int, granted: int, shown: str | None
) -> None:
    for answer, row in ((WHOLE, PROVIDER), (ANSWER, MESSAGES)):
        exit_ = ScriptedExit(Script(headers=JSON, pieces=[answer]))
        relayed = await translate(make_call(KeptClient(), **said), exit_, row, admit(granted, wished=wished))
        asked = msgspec.json.decode(exit_.asked[0].body)
        assert {name: asked[name] for name in asked if name.startswith("max_")} == {"max_tokens": granted}
        assert dict(relayed.headers).get("x-tallygate-output-cap") == shown


async def test_the_cap_goes_to_every_target() -> None:
    exit_ = ScriptedExit(Script(refuse=ProviderUnreachable()), Script(headers=JSON, pieces=[WHOLE]))
    await serve(make_call(KeptClient()), exit_, make_plan("lab", "den"), admitted=admit(300))
    assert [msgspec.json.decode(request.body)["max_tokens"] for request in exit_.asked] == [300, 300]


async def test_what_cannot_be_carried_is_refused_by_name_and_nothing_is_sent() -> None:
    exit_ = ScriptedExit()
    relayed = await translate(make_call(KeptClient(), n=2), exit_, MESSAGES)
    assert isinstance(relayed.error, UnsupportedParameter)
    assert relayed.error.param == "n"
    assert not exit_.asked


async def test_a_target_that_can_carry_it_takes_over_from_one_that_cannot() -> None:
    rows = {"claude": MESSAGES, "lab": PROVIDER}
    exit_ = ScriptedExit(Script(headers=JSON, pieces=[WHOLE]))
    relayed = await serve(make_call(KeptClient(), n=2), exit_, make_plan("claude", "lab"), rows)
    assert relayed.error is None
    assert [str(attempt.target) for attempt in relayed.outcome.attempts] == ["claude/m", "lab/m"]


@pytest.mark.parametrize("beta", [True, False])
async def test_features_in_trial_stay_behind_as_a_whole(beta: bool) -> None:
    dialect = DIALECTS["anthropic_messages"]
    body = msgspec.json.encode(
        {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}], "brand_new": {"a": 1}}
    )
    call = make_call(KeptClient())
    call.dialect, call.body, call.peek = dialect, body, dialect.peek(body, 64)
    call.forwarded = (("anthropic-beta", "brand-new-2026-11-01"),) if beta else ()
    exit_ = ScriptedExit(Script(headers=JSON, pieces=[WHOLE]))
    relayed = await serve(call, exit_)
    if beta:
        assert dict(relayed.headers)["x-tallygate-dropped"] == "brand_new"
        assert b"brand_new" not in exit_.asked[0].body
        assert "brand-new-2026-11-01" not in str(exit_.asked[0].headers)
    else:
        assert isinstance(relayed.error, UnsupportedParameter)
        assert relayed.error.param == "brand_new"
