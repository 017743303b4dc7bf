"""The walk: what is refused costs nothing and sends nothing, what is served tells its id and its cost, and no billable
door leads past the turnstile.
"""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs

from tallygate.api.inference import CALLS, find_operation
from tallygate.api.urls import URLS
from tallygate.errors import StoreUnavailable
from tallygate.genai.book import Budget
from tallygate.genai.items import Admission
from tallygate.genai.results import Result
from tallygate.genai.stream import Ping
from tallygate.ledger.prices import Price, Rates
from tests.fakes.chat_pieces import DONE, chunk, usage, usage_chunk, whole_script
from tests.fakes.exits import JSON, KeptClient, Script
from tests.fakes.hallway import OUTPUT_TOKENS_MAX, Stage
from tests.fakes.ledger import ask
from tests.fakes.tongues import CHATS
from tests.fakes.turns import until

pytestmark = pytest.mark.anyio

MESSAGE = (
    b'{"id":"msg_1","type":"message","role":"assistant","model":"c","content":[{"type":"text","text":"hello"}],'
    b'"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":7,"output_tokens":11}}'
)


async def refuse(stage: Stage, **fields: Any) -> KeptClient:
    """A call that is refused: nothing is sent, nothing is written, no receipt is shown."""
    before = (dict(stage.shelf.tables["holds"]), dict(stage.shelf.transfers), stage.shelf.wallet())
    client = KeptClient()
    call = await stage.run(client, **fields)
    assert (dict(stage.shelf.tables["holds"]), dict(stage.shelf.transfers), stage.shelf.wallet()) == before
    assert call.id not in stage.shelf.tables["holds"]
    assert not stage.exit.asked
    assert "x-tallygate-receipt-id" not in client.headers
    assert "x-tallygate-cost-usd" not in client.headers
    return client


async def test_a_whole_answer_tells_its_id_and_its_cost(tmp_path: Path) -> None:
    stage, client = Stage(tmp_path, whole_script("hello", counts=usage(7, 11))), KeptClient()
    call = await stage.run(client)
    assert client.headers["x-tallygate-receipt-id"] == call.id == stage.hold(call).id
    assert client.headers["x-tallygate-cost-usd"] == "0.000000051"
    assert stage.hold(call).charged_nusd == 51
    assert b"cost" not in client.body


async def test_a_cost_above_the_hold_is_told_as_it_is_charged(tmp_path: Path) -> None:
    stage, client = Stage(tmp_path, whole_script("hello", counts=usage(7, 10**6))), KeptClient()
    call = await stage.run(client)
    assert round(float(client.headers["x-tallygate-cost-usd"]) * 10**9) == stage.hold(call).amount_nusd


@pytest.mark.parametrize("asked", [True, False])
async def test_a_stream_tells_its_cost_beside_the_usage_that_was_asked_for(tmp_path: Path, asked: bool) -> None:
    pieces = [chunk("hello"), chunk(finish="stop"), usage_chunk(usage(7, 11)), DONE]
    stage, client = Stage(tmp_path, Script(pieces=pieces)), KeptClient()
    call = await stage.run(client, stream=True, **({"stream_options": {"include_usage": True}} if asked else {}))
    assert client.headers["x-tallygate-receipt-id"] == call.id
    assert "x-tallygate-cost-usd" not in client.headers
    said = pieces[2].replace(b'"completion_tokens":11', b'"completion_tokens":11,"cost":0.000000051')
    assert said != pieces[2]
    receipt = b": tallygate-receipt " + call.id.encode() + b"\n\n"
    assert client.body == b"".join([pieces[0], pieces[1], *([said] if asked else []), receipt, DONE])


async def test_another_dialect_tells_its_cost_where_it_has_room(tmp_path: Path) -> None:
    stage, client = Stage(tmp_path, Script(headers=JSON, pieces=[MESSAGE]), targets=("claude",)), KeptClient()
    await stage.run(client, stream=True, stream_options={"include_usage": True})
    assert b'"completion_tokens":11,' in client.body
    assert b'"cost":0.000000051}' in client.body
    pieces = [chunk("hello"), chunk(finish="stop"), usage_chunk(usage(7, 11)), DONE]
    stage, client = Stage(tmp_path, Script(pieces=pieces)), KeptClient()
    await stage.run(client, stream=True, dialect="anthropic_messages")
    assert b"message_stop" in client.body
    assert b"cost" not in client.body


async def test_nothing_is_added_to_a_stream_of_messages(tmp_path: Path) -> None:
    reader = CHATS["anthropic_messages"].reader()
    pieces = [chunk("hello"), chunk(finish="stop"), DONE]
    stage, client = Stage(tmp_path, Script(pieces=pieces)), KeptClient()
    await stage.run(client, stream=True, dialect="anthropic_messages")
    assert b"receipt" not in client.body
    assert all(frame.events != (Ping(),) for frame in reader.feed(client.body))


async def test_what_cannot_be_proved_later_is_refused_before_anything_is_held(tmp_path: Path) -> None:
    stage = Stage(tmp_path, whole_script("hello", counts=usage(7, 11)))
    stage.refusal = "the log is of another time"
    client = await refuse(stage)
    assert (client.status, client.headers["retry-after"]) == (503, "1")
    assert msgspec.json.decode(client.body)["error"]["code"] == "receipts_unavailable"
    assert not stage.writer.asked
    stage.refusal = ""
    await stage.run(client := KeptClient())
    assert client.status == 200


async def test_an_error_from_upstream_was_dispatched_and_has_a_receipt(tmp_path: Path) -> None:
    stage, client = Stage(tmp_path, Script(status=500, headers=JSON, pieces=[b"{}"])), KeptClient()
    call = await stage.run(client)
    assert client.status == 502
    assert client.headers["x-tallygate-receipt-id"] == call.id
    assert "x-tallygate-cost-usd" not in client.headers
    assert stage.hold(call).state == "posted"


async def test_a_short_balance_is_a_402_that_says_what_would_have_passed(tmp_path: Path) -> None:
    stage = Stage(tmp_path, credit_nusd=1_000)
    client = await refuse(stage, max_tokens=OUTPUT_TOKENS_MAX)
    assert client.status == 402
    error = msgspec.json.decode(client.body)["error"]
    assert (error["code"], error["metadata"]["limit_of"]) == ("insufficient_balance", "workspace")
    affordable = error["metadata"]["output_tokens_affordable"]
    assert 0 < affordable < OUTPUT_TOKENS_MAX
    assert client.headers["x-should-retry"] == "false"
    passing = Stage(tmp_path, whole_script("hello", counts=usage(7, 11)), credit_nusd=1_000)
    await passing.run(client := KeptClient(), max_tokens=affordable)
    assert client.status == 200


async def test_a_short_balance_shortens_an_answer_that_named_no_end(tmp_path: Path) -> None:
    stage, client = Stage(tmp_path, whole_script("hello", counts=usage(7, 11)), credit_nusd=3_000), KeptClient()
    call = await stage.run(client)
    cap = stage.hold(call).output_tokens_max
    assert 256 <= cap < OUTPUT_TOKENS_MAX
    assert msgspec.json.decode(stage.exit.asked[0].body)["max_tokens"] == cap
    assert client.headers["x-tallygate-output-cap"] == str(cap)


async def test_a_spent_budget_is_a_402_that_names_its_owner(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.shelf.put(Budget(id="b1", level="key", owner_id="k1", period="daily", limit_nusd=10))
    client = await refuse(stage)
    assert client.status == 402
    error = msgspec.json.decode(client.body)["error"]
    assert (error["code"], error["metadata"]["limit_of"], error["metadata"]["budget_id"]) == (
        "budget_exceeded",
        "key",
        "b1",
    )


async def test_the_sixth_call_of_a_user_is_a_429(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.writer.hold_all(ask("other", key_id="k2"), 5)
    client = await refuse(stage)
    assert client.status == 429
    assert 1 <= int(client.headers["retry-after"]) <= 60


async def test_a_call_without_a_price_or_a_key_is_refused(tmp_path: Path) -> None:
    unpriced = Price(kind="sale", name="m", rates=Rates(input=1))
    assert (await refuse(Stage(tmp_path, price=unpriced))).status == 403
    assert (await refuse(Stage(tmp_path), key="k9")).status == 401


async def test_a_database_that_is_away_is_a_503_and_nothing_is_sent(tmp_path: Path) -> None:
    stage = Stage(tmp_path)

    async def away(item: Admission) -> Result:
        raise StoreUnavailable(retry_after_s=2)

    stage.turnstile._admit = away
    client = await refuse(stage)
    assert (client.status, client.headers["retry-after"]) == (503, "2")


async def test_what_is_held_is_visible_while_a_call_runs_and_never_after(tmp_path: Path) -> None:
    go_on = asyncio.Event()
    stage = Stage(tmp_path, Script(pieces=[chunk("hello"), go_on, chunk(finish="stop"), DONE]))
    call = stage.open(stream=True)
    owner = asyncio.create_task(stage.hallway.run(call))
    await until(lambda: bool(stage.exit.answers))
    assert stage.shelf.wallet().held_nusd == stage.hold(call).amount_nusd > 0
    assert stage.shelf.user().slots_used == 1
    go_on.set()
    await owner
    stage.check()


async def test_a_bug_in_the_bill_costs_nobody_and_still_ends_the_call(tmp_path: Path) -> None:
    stage, client = Stage(tmp_path, whole_script("hello", counts=usage(7, 11))), KeptClient()

    def break_down(used: object) -> Any:
        raise ZeroDivisionError

    stage.finisher._count_costs = break_down
    call = await stage.run(client)
    assert client.status == 500
    assert client.headers["x-tallygate-receipt-id"] == call.id
    assert (stage.hold(call).state, stage.hold(call).charged_nusd) == ("posted", 0)
    stage.check()


async def test_counting_tokens_takes_no_hold(tmp_path: Path) -> None:
    stage, client = Stage(tmp_path, targets=("lab",)), KeptClient()
    call = stage.open(client, dialect="anthropic_messages")
    call.operation = "count"
    stage.refusal = "a count is no call, and has no receipt"
    await stage.hallway.run(call)
    assert client.status == 200
    assert not stage.writer.asked


async def test_no_billable_door_leads_past_the_turnstile(tmp_path: Path) -> None:
    """With a wallet that pays for nothing, no billable route sends anything anywhere."""
    billable = [route for route in URLS if route.billable]
    assert billable
    for route in URLS:
        assert route.billable == (route.door in CALLS and find_operation(route) != "count"), route.path
    for route in billable:
        stage = Stage(tmp_path, credit_nusd=0)
        call = stage.open(KeptClient(), dialect=route.dialect)
        call.operation = find_operation(route)
        await stage.hallway.run(call)
        assert len(stage.writer.asked) == 1
        assert not stage.exit.asked


async def test_a_key_that_changed_is_looked_at_again(tmp_path: Path) -> None:
    stage, client = Stage(tmp_path, whole_script("hello", counts=usage(7, 11))), KeptClient()
    admit, key = stage.turnstile._admit, stage.shelf.tables["keys"]["k1"]

    async def change_first(item: Admission) -> Result:
        if not stage.writer.asked:
            stage.shelf.put(structs.replace(key, version=2))
        return await admit(item)

    stage.turnstile._admit = change_first
    call = await stage.run(client)
    assert client.status == 200
    assert [item.key_version for item in stage.writer.asked] == [1, 2]
    assert stage.hold(call).state == "posted"
