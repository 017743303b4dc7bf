"""Counting tokens: the provider's own count where there is one, else a guess that says so."""

from collections.abc import Mapping

import msgspec
import pytest

from tallygate.dialects.registry import COUNTING, DIALECTS
from tallygate.errors import ProviderFailed, ProviderUnreachable
from tallygate.genai.plan import Plan, Target
from tallygate.pipeline.call import Call
from tallygate.pipeline.count import Counter
from tallygate.providers.base import Provider
from tallygate.transport.base import Timeouts
from tests.fakes.exits import JSON, KeptClient, Script, ScriptedExit

pytestmark = pytest.mark.anyio

OWN = Provider(name="own", title="Own", base_url="http://own", speaks={"anthropic_messages": "/v1/messages"})
OTHER = Provider(name="other", title="Other", base_url="http://other", speaks={"openai_chat": "/v1/chat/completions"})
PLANS = {name: Plan("claude", "count", (Target(name, "real-name"),)) for name in ("own", "other")}
COUNT = Script(headers=JSON, pieces=[b'{"input_tokens": 17}'])


def make_call(client: KeptClient, body: Mapping[str, object] | None = None) -> Call:
    raw = msgspec.json.encode(
        {"model": "claude", "messages": [{"role": "user", "content": "hello there"}], **(body or {})}
    )
    return Call(
        call_id="call_1",
        request_id="req_1",
        operation="count",
        dialect=DIALECTS["anthropic_messages"],
        body=raw,
        peek=COUNTING["anthropic_messages"].peek_count(raw, 64),
        credential=None,
        forwarded=(("anthropic-beta", "some-beta"),),
        client=client,
        arrived_ns=0,
    )


async def count(exit_: ScriptedExit, plan: str, call: Call) -> None:
    rows = {"own": OWN, "other": OTHER}
    await Counter(exit_, lambda: rows, Timeouts()).answer(call, PLANS[plan])


async def test_the_provider_counts_where_it_can() -> None:
    client, exit_ = KeptClient(), ScriptedExit(COUNT)
    await count(exit_, "own", make_call(client))
    assert msgspec.json.decode(client.body) == {"input_tokens": 17}
    assert "x-tallygate-usage-source" not in client.headers
    assert exit_.asked[0].url == "http://own/v1/messages/count_tokens"
    assert msgspec.json.decode(exit_.asked[0].body)["model"] == "real-name"
    headers = dict(exit_.asked[0].headers)
    assert headers["anthropic-beta"] == "some-beta"
    assert headers["anthropic-version"]


@pytest.mark.parametrize("script", [None, Script(status=404, headers=JSON, pieces=[b"{}"])], ids=["other", "cannot"])
async def test_a_guess_says_that_it_is_one(script: Script | None) -> None:
    client, exit_ = KeptClient(), ScriptedExit(*([script] if script else []))
    await count(exit_, "own" if script else "other", make_call(client))
    assert client.headers["x-tallygate-usage-source"] == "estimated"
    assert msgspec.json.decode(client.body)["input_tokens"] > 0


async def test_a_guess_grows_with_what_is_said() -> None:
    counts: list[int] = []
    tool = {"name": "read", "description": "Read a file", "input_schema": {"type": "object"}}
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
    longer = {"messages": [{"role": "user", "content": [{"type": "text", "text": "hello there"}, picture]}]}
    for body in ({}, {"system": "Be kind."}, {"system": "Be kind.", "tools": [tool]}, longer):
        client = KeptClient()
        await count(ScriptedExit(), "other", make_call(client, body))
        counts.append(msgspec.json.decode(client.body)["input_tokens"])
    assert counts == sorted(set(counts))


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (Script(refuse=ProviderUnreachable()), ProviderUnreachable),
        (Script(status=500, headers=JSON, pieces=[b"{}"]), ProviderFailed),
    ],
    ids=["away", "broken"],
)
async def test_a_provider_that_fails_is_not_guessed_for(script: Script, error: type[Exception]) -> None:
    with pytest.raises(error):
        await count(ScriptedExit(script), "own", make_call(KeptClient()))
