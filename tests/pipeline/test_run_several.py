"""Calls that name several models, on their whole walk: who is asked, which price is paid, and what is said of it."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs

from tallygate.access.principal import Principal
from tallygate.dialects.base import Dialect
from tallygate.genai.items import Settlement
from tallygate.genai.peek import Peek
from tallygate.genai.plan import Plan, Target
from tallygate.genai.routing import Routing
from tallygate.genai.secret import Secret
from tallygate.ledger.bound import bound_call
from tallygate.ledger.prices import Price, Rates, name_version
from tallygate.ledger.quote import Quote, Sale
from tallygate.pipeline import progress
from tallygate.pipeline.call import Call
from tests.fakes.chat_pieces import DONE, chunk, refusal, usage, whole_script
from tests.fakes.exits import JSON, KeptClient, Script
from tests.fakes.hallway import PRICE, Stage
from tests.fakes.turns import until

pytestmark = pytest.mark.anyio

SECOND = Price(kind="sale", name="second", rates=Rates(input=2_000, output=3_000), tool_use=0)
"""Dearer input and cheaper output than the first: 2 and 3 nano-USD."""

TARGETS = (Target("lab", "m"), Target("den", "m"), Target("lab", "s", "second"))
PLAN = Plan("m", "chat", TARGETS, others=("second",))


class Market(Stage):
    """A stage where ``m`` is served by lab and den, and ``second`` by lab."""

    def __init__(self, folder: Path, *scripts: Script, **options: Any) -> None:
        super().__init__(folder, *scripts, **options)
        self.models: frozenset[str] | None = None
        self.allowed: frozenset[str] | None = None
        self.hallway._steps = structs.replace(self.hallway._steps, plan=self.plan, quote=self.quote_both)

    async def identify(self, credential: Secret | None, peer: str) -> Principal:
        principal = structs.replace(await super().identify(credential, peer), models=self.models)
        self._known[principal.key_id] = principal
        return principal

    def plan(self, peek: Peek, operation: str, allowed: frozenset[str] | None, _: str) -> Plan:
        self.allowed = allowed
        return PLAN

    def quote_both(self, plan: Plan, peek: Peek, body: bytes, dialect: Dialect) -> Quote:
        first, second = (self._sell(price, peek, body, dialect) for price in (PRICE, SECOND))
        bound = structs.replace(
            first.bound,
            fixed_nusd=max(first.bound.fixed_nusd, second.bound.fixed_nusd),
            output_price_pusd=max(first.bound.output_price_pusd, second.bound.output_price_pusd),
        )
        return Quote(first.price, first.price_version, bound, {"": first, "second": second})

    def _sell(self, price: Price, peek: Peek, body: bytes, dialect: Dialect) -> Sale:
        bound = bound_call(price, peek, body, [self.reach], dialect.read_request)  # pyright: ignore[reportArgumentType]
        return Sale(price, name_version(price), bound)

    async def serve(self, client: KeptClient, **fields: Any) -> Call:
        """One call that wishes for ``second`` besides."""
        call = self.open(client, **fields)
        call.peek = structs.replace(call.peek, routing=Routing(models=("second",)))
        await asyncio.wait_for(self.hallway.run(call), 60)
        await self.writer.drain()
        return call


TOO_LONG = Script(
    status=400,
    headers=JSON,
    pieces=[b'{"error":{"message":"too long","type":"invalid_request_error","code":"context_length_exceeded"}}'],
)
GOOD = whole_script("hello", counts=usage(7, 11))


async def test_the_first_is_charged_where_it_serves(tmp_path: Path) -> None:
    stage, client = Market(tmp_path, GOOD), KeptClient()
    call = await stage.serve(client)
    row = stage.hold(call)
    assert (row.model, row.price_version, row.charged_nusd) == ("m", name_version(PRICE), 7 + 4 * 11)
    assert stage.details(call).sold_as == ""
    stage.check()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_the_name_that_served_is_charged_and_told(tmp_path: Path, stream: bool) -> None:
    served = Script(pieces=[chunk("hello"), chunk(finish="stop", counts=usage(7, 11)), DONE]) if stream else GOOD
    stage, client = Market(tmp_path, refusal(500), refusal(503), served), KeptClient()
    call = await stage.serve(client, stream=stream)
    assert client.status == 200
    assert (client.headers["x-tallygate-model"], client.headers["x-tallygate-backend"]) == ("s", "lab")
    assert [msgspec.json.decode(asked.body)["model"] for asked in stage.exit.asked] == ["m", "m", "s"]
    row, details = stage.hold(call), stage.details(call)
    assert (row.model, row.price_version, row.charged_nusd) == ("m", name_version(SECOND), 2 * 7 + 3 * 11)
    assert row.charged_nusd <= row.amount_nusd
    assert (details.request_model, details.model, details.sold_as) == ("m", "s", "second")
    if not stream:
        assert client.headers["x-tallygate-cost-usd"] == "0.000000047"
    stage.check()


async def test_the_receipt_names_what_was_paid_for(tmp_path: Path) -> None:
    stage = Market(tmp_path, refusal(500), refusal(503), GOOD)
    call = await stage.serve(KeptClient())
    (settlement,) = stage.writer.ends
    assert isinstance(settlement, Settlement)
    draft = settlement.receipt
    assert settlement.price_version == name_version(SECOND)
    assert draft.route is not None
    assert (draft.request.model, draft.route.model, draft.route.sold_as) == ("m", "s", "second")
    assert stage.hold(call).price_version == settlement.price_version


async def test_a_request_that_one_model_refuses_goes_to_the_next_name_at_once(tmp_path: Path) -> None:
    stage, client = Market(tmp_path, TOO_LONG, GOOD), KeptClient()
    call = await stage.serve(client)
    assert client.status == 200
    tried = [(str(attempt.provider), attempt.model, attempt.error) for attempt in stage.details(call).attempts]
    assert tried == [("lab", "m", "provider_rejected"), ("lab", "s", "")]
    stage.check()


async def test_where_all_refuse_nobody_pays(tmp_path: Path) -> None:
    stage, client = Market(tmp_path, TOO_LONG, TOO_LONG), KeptClient()
    call = await stage.serve(client)
    assert client.status == 400
    assert msgspec.json.decode(client.body)["error"]["code"] == "context_length_exceeded"
    assert stage.hold(call).charged_nusd == 0
    stage.check()


async def test_what_is_noted_of_a_running_stream_is_at_the_price_of_who_serves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "EVERY_S", 0.0)
    running = Script(pieces=[chunk("Twelve bytes", counts=usage(7, 2)), asyncio.Event()])
    stage = Market(tmp_path, TOO_LONG, running)
    call = stage.open(KeptClient(), stream=True)
    call.peek = structs.replace(call.peek, routing=Routing(models=("second",)))
    owner = asyncio.create_task(stage.hallway.run(call))
    await until(lambda: bool(stage.writer.notes))
    noted = stage.writer.notes[0]
    assert (noted.price_version, noted.amount_nusd) == (name_version(SECOND), 2 * 7 + 3 * 3)
    call.departure.leave()
    await owner
    await stage.writer.drain()
    assert stage.hold(call).price_version == name_version(SECOND)
    stage.check()


async def test_the_plan_is_asked_for_what_the_key_may_call(tmp_path: Path) -> None:
    stage = Market(tmp_path, GOOD)
    stage.models = frozenset({"m"})
    call = await stage.serve(KeptClient())
    assert stage.allowed == frozenset({"m"})
    assert stage.hold(call).state == "posted"


async def test_a_name_that_was_taken_from_the_key_meanwhile_is_refused(tmp_path: Path) -> None:
    """The turnstile identifies anew when the key has changed, and asks again for each name of the plan."""
    stage, client = Market(tmp_path, GOOD), KeptClient()
    await stage.serve(client)
    key = stage.shelf.tables["keys"]["k1"]
    stage.shelf.put(structs.replace(key, version=key.version + 1))
    stage.models = frozenset({"m"})
    client = KeptClient()
    await stage.serve(client)
    assert client.status == 403
    assert msgspec.json.decode(client.body)["error"]["code"] == "model_access_denied"


async def test_what_was_served_is_learnt_from(tmp_path: Path) -> None:
    stage = Market(tmp_path, GOOD, refusal(500), refusal(500), refusal(500))
    await stage.serve(KeptClient())
    await stage.serve(KeptClient())
    assert [outcome.status for outcome in stage.heeded] == ["ok", "failed"]
