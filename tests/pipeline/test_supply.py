"""What can be called now and as a caller wishes, and that every price a call was quoted is known by the name that its
receipt bears.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from tallygate.dialects.registry import DIALECTS
from tallygate.errors import NoTarget, NothingFits, Unpriced
from tallygate.genai.outcome import Attempt, Outcome
from tallygate.genai.peek import Peek
from tallygate.genai.plan import Plan, Target
from tallygate.genai.routing import Routing
from tallygate.ledger.price_rows import read_row
from tallygate.ledger.prices import name_version
from tallygate.pipeline import supply as supplying
from tallygate.pipeline.supply import Supply
from tallygate.providers.settings import ProviderSettings
from tallygate.router.circuits import Verdict
from tallygate.router.gates import Ticket
from tallygate.router.settings import ModelSettings, PriceSettings, TierSettings

CHAT = DIALECTS["openai_chat"]
BODY = b'{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}'


def make_supply(**prices: str) -> Supply:
    models = {
        name: ModelSettings(targets=("mock/echo",), price=PriceSettings(input=price, output=price))
        for name, price in prices.items()
    }
    return Supply({}, models, discovers=False, demo=True, own_key_prefix="lx-")


def quote(supply: Supply, model: str) -> str:
    body = BODY.replace(b'"m"', f'"{model}"'.encode())
    plan = supply.plan(Peek(model=model), "chat")
    return supply.quote(plan, CHAT.peek(body, 64), body, CHAT).price_version


def test_quoted_prices_are_listed_once_as_rows_that_say_what_was_charged() -> None:
    supply = make_supply(a="1.00", b="2.00")
    assert supply.list_quoted() == ()
    versions = [quote(supply, name) for name in ("a", "b", "a", "mock/echo")]
    rows = supply.list_quoted()
    assert [row.version for row in rows] == [versions[0], versions[1], versions[3]]
    assert [name_version(read_row(row)) for row in rows] == [row.version for row in rows]


def test_the_list_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supplying, "QUOTED_MAX", 1)
    supply = make_supply(a="1.00", b="2.00")
    quote(supply, "a")
    last = quote(supply, "b")
    assert [row.version for row in supply.list_quoted()] == [last]


def test_names_that_are_free_displace_no_price_that_is_paid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supplying, "QUOTED_MAX", 3)
    supply = make_supply(a="1.00", b="2.00")
    paid = [quote(supply, name) for name in ("a", "b")]
    last = [quote(supply, f"mock/made-up-{place}") for place in range(5)][-1]
    assert [row.version for row in supply.list_quoted()] == [*paid, last]


def ask(supply: Supply, model: str, **wishes: Any) -> Plan:
    return supply.plan(Peek(model=model, routing=msgspec.convert(wishes, Routing)), "chat")


def test_wishes_about_prices_are_judged_by_what_the_caller_would_pay() -> None:
    supply = make_supply(cheap="1.00", dear="9.00")
    dear_pusd = 9_000_000
    assert ask(supply, "dear", input_pusd_max=dear_pusd).request_model == "dear"
    assert ask(supply, "dear", models=["cheap"], output_pusd_max=dear_pusd - 1).request_model == "cheap"
    with pytest.raises(NothingFits) as refused:
        ask(supply, "dear", input_pusd_max=dear_pusd - 1)
    assert "9.00 USD" in refused.value.message


def test_a_price_is_that_of_a_call_as_long_as_its_body() -> None:
    tier = TierSettings(above_input_tokens=1_000, input="3.00", output="3.00")
    price = PriceSettings(input="1.00", output="1.00", tiers=(tier,))
    models = {"m": ModelSettings(targets=("mock/echo",), price=price)}
    supply = Supply({}, models, discovers=False, demo=True, own_key_prefix="lx-")
    routing = Routing(input_pusd_max=1_000_000)
    assert supply.plan(Peek(model="m", body_bytes=1_000, routing=routing), "chat").targets
    with pytest.raises(NothingFits):
        supply.plan(Peek(model="m", body_bytes=1_001, routing=routing), "chat")


def test_a_name_without_a_price_is_left_out_where_there_are_others() -> None:
    models = {"unpriced": ModelSettings(targets=("lab/x",)), "m": ModelSettings(targets=("mock/echo",), price="free")}
    lab = ProviderSettings(base_url="http://lab", speaks={"openai_chat": "/v1/chat/completions"})
    supply = Supply({"lab": lab}, models, discovers=False, demo=True, own_key_prefix="lx-")
    made = ask(supply, "unpriced", models=["m"])
    assert (made.request_model, [item.cause for item in made.excluded]) == ("m", ["unpriced"])


def test_where_a_provider_is_and_what_it_keeps_is_what_the_settings_say() -> None:
    speaks = {"openai_chat": "/v1/chat/completions"}
    lab = ProviderSettings(base_url="http://lab", speaks=speaks, regions=("eu-west-1",), keeps_inputs=False)
    den = ProviderSettings(base_url="http://den", speaks=speaks)
    models = {"m": ModelSettings(targets=("den/m", "lab/m"), price="free")}
    supply = Supply({"lab": lab, "den": den}, models, discovers=False, demo=False, own_key_prefix="lx-")
    for made in (ask(supply, "m", regions=["eu"]), ask(supply, "m", private=True)):
        assert [str(target) for target in made.targets] == ["lab/m"]
    assert [str(target) for target in ask(supply, "m").targets] == ["den/m", "lab/m"]


def test_the_models_to_test_with_keep_nothing_and_are_nowhere() -> None:
    supply = make_supply()
    assert ask(supply, "mock/echo", private=True).targets
    with pytest.raises(NothingFits):
        ask(supply, "mock/echo", regions=["eu"])


def test_what_was_served_is_heeded() -> None:
    target = Target("mock", "echo")
    supply = make_supply(m="1.00")
    outcome = Outcome("c", "chat", "ok", "m", served=target, attempts=(Attempt(target, 200),), first_chunk_ns=10**9)
    assert ask(supply, "m", latency_ms_max=999).targets
    supply.heed(outcome)
    with pytest.raises(NothingFits):
        ask(supply, "m", latency_ms_max=999)
    assert ask(supply, "m", latency_ms_max=1_000).targets


def test_every_price_of_several_names_is_listed() -> None:
    supply = make_supply(a="1.00", b="2.00")
    body = BODY.replace(b'"m"', b'"a"')
    # Two names with one target are one: who is called first serves.
    plan = Plan("a", "chat", (Target("mock", "echo"), Target("mock", "tools", "b")), others=("b",))
    made = supply.quote(plan, CHAT.peek(body, 64), body, CHAT)
    assert [row.version for row in supply.list_quoted()] == [sale.price_version for sale in made.sales.values()]
    assert [row.name for row in supply.list_quoted()] == ["a", "b"]


LAB = ProviderSettings(base_url="http://lab", speaks={"openai_chat": "/v1/chat/completions"})
SHARED = ModelSettings(targets=("lab/m", "den/m"), price=PriceSettings(input="1.00", output="1.00"))


def make_pair(draws: Sequence[float] = (), **changes: Any) -> Supply:
    """One name with two targets. What is drawn is given."""
    models = {"m": msgspec.structs.replace(SHARED, **changes)}
    left = iter(draws)
    rows = {"lab": LAB, "den": LAB}
    return Supply(rows, models, discovers=False, demo=False, own_key_prefix="lx-", draw=lambda: next(left))


def providers_of(plan: Plan) -> list[str]:
    return [target.provider for target in plan.targets]


def fail(
    supply: Supply, target: Target, verdict: Verdict = Verdict("refused", code="provider_refused_gateway")
) -> None:
    ticket = supply.gates.enter(target)
    assert isinstance(ticket, Ticket)
    ticket.end(verdict)


def test_targets_are_drawn_by_weight_for_calls_without_wishes_too() -> None:
    supply = make_pair([0.1, 0.9, 0.9], weights={"lab/m": 1, "den/m": 1})
    asked = [supply.plan(Peek(model="m"), "chat") for _ in range(2)]
    assert [providers_of(plan) for plan in asked] == [["lab", "den"], ["den", "lab"]]
    assert providers_of(ask(supply, "m", only=["lab", "den"])) == ["den", "lab"]


def test_what_is_only_looked_at_is_not_drawn() -> None:
    supply = make_pair([], choose="weight")
    assert [target.provider for target in supply.survey(Peek(model="m"), "chat").targets] == ["lab", "den"]


@pytest.mark.parametrize("routing", [None, Routing()])
def test_a_target_that_fails_is_left_out_of_every_plan(routing: Routing | None) -> None:
    supply = make_pair()
    fail(supply, Target("lab", "m"))
    made = supply.plan(Peek(model="m", routing=routing), "chat")
    assert (providers_of(made), [item.cause for item in made.excluded]) == (["den"], ["circuit"])
    fail(supply, Target("den", "m"))
    with pytest.raises(NoTarget) as refused:
        supply.plan(Peek(model="m", routing=routing), "chat")
    assert refused.value.retry_after_s


def test_how_every_target_is_can_be_listed() -> None:
    supply = make_pair()
    fail(supply, Target("lab", "m"))
    served = Target("den", "other")
    outcome = Outcome("c", "chat", "ok", "m", served=served, attempts=(Attempt(served, 200),), first_chunk_ns=10**9)
    supply.heed(outcome)
    supply.gates.enter(Target("den", "m"))
    lab, den = supply.list_health()
    assert (lab.provider, lab.circuit, lab.failures_in_row, lab.last_error) == (
        "lab",
        "open",
        1,
        "provider_refused_gateway",
    )
    assert 0 < lab.retry_in_s <= 60
    assert (den.model, den.circuit, den.running, den.retry_in_s) == ("m", "closed", 1, 0)
    supply.gates.enter(served)
    assert supply.list_health()[2].first_token_ms == 1_000.0


def test_a_provider_gets_as_many_calls_at_once_as_its_settings_say() -> None:
    rows = {"lab": msgspec.structs.replace(LAB, concurrency=1), "den": LAB}
    supply = Supply(rows, {"m": SHARED}, discovers=False, demo=False, own_key_prefix="lx-")
    supply.gates.enter(Target("lab", "m"))
    made = supply.plan(Peek(model="m"), "chat")
    assert (providers_of(made), [item.cause for item in made.excluded]) == (["den"], ["busy"])


def test_a_name_that_cannot_be_sold_takes_none_of_the_others_along() -> None:
    half = ModelSettings(targets=("lab/h",), price=PriceSettings(input="1.00"))
    whole = ModelSettings(targets=("den/w",), price=PriceSettings(input="1.00", output="1.00"))
    models = {"half": half, "whole": whole}
    supply = Supply({"lab": LAB, "den": LAB}, models, discovers=False, demo=False, own_key_prefix="lx-")
    body = BODY.replace(b'"m"', b'"whole"')
    peek = CHAT.peek(body, 64)
    for first, second in (("whole", "half"), ("half", "whole")):
        plan = supply.suit(ask(supply, first, models=[second]), peek, body, CHAT)
        assert (providers_of(plan), [item.cause for item in plan.excluded]) == (["den"], ["unpriced"])
        assert supply.quote(plan, peek, body, CHAT).list_sales()
    with pytest.raises(Unpriced):
        supply.suit(Plan("half", "chat", (Target("lab", "h"),), others=("x",)), peek, body, CHAT)
