"""A quote joins price and bound; what attempts cost the house is counted at the price of who served them."""

import msgspec
import pytest

from tallygate.dialects.registry import DIALECTS
from tallygate.errors import Unpriced, UnsupportedParameter
from tallygate.genai.ceilings import Reach
from tallygate.genai.items import Cost
from tallygate.genai.outcome import Attempt, Outcome
from tallygate.genai.plan import Plan, Target
from tallygate.genai.usage import Usage
from tallygate.ledger.bound import PROMPT_TOKENS
from tallygate.ledger.catalogue import Listing, read_catalogue
from tallygate.ledger.pricelist import PriceList
from tallygate.ledger.prices import name_version
from tallygate.ledger.quote import Quote, count_costs, make_quote

LIST = read_catalogue(
    msgspec.json.encode(
        {"prices": [Listing("a/m", {"input": "1", "output": "8"}), Listing("b/m", {"input": "2", "output": "4"})]}
    )
)
PRICES = PriceList(LIST, free_providers=["home"])
A, B, HOME, FAR = Target("a", "m"), Target("b", "m"), Target("home", "m"), Target("far", "m")
REACHES = {A: Reach(output_tokens_max=100), B: Reach(output_tokens_max=50)}


def quote(*targets: Target, **members: object) -> tuple[Quote, int]:
    dialect = DIALECTS["openai_chat"]
    body = msgspec.json.encode({"model": "m", "messages": [{"role": "user", "content": "hi"}], **members})
    plan = Plan("m", "chat", targets)
    made = make_quote(
        PRICES, plan, dialect.peek(body, 64), body, dialect.read_request, lambda target: REACHES.get(target, Reach()), 0
    )
    return made, len(body)


def test_a_quote_is_at_the_dearest_price_and_within_the_shortest_reach() -> None:
    made, size = quote(A, B)
    assert made.price_version == name_version(made.price)
    assert made.price.name == "m"
    assert made.bound.fixed_nusd == (PROMPT_TOKENS + size) * 2_000
    assert (made.bound.output_price_pusd, made.bound.output_tokens_max) == (8_000_000, 50)


def test_what_cannot_be_quoted_is_refused() -> None:
    with pytest.raises(Unpriced):
        quote(A, FAR)
    with pytest.raises(UnsupportedParameter):
        quote(A, web_search_options={})


def test_the_house_owes_each_attempt_what_its_target_costs() -> None:
    used = Usage(1_000, 10)
    assert count_costs(PRICES, [(A, used), (HOME, used), (FAR, used), (B, Usage()), (B, used)], 0) == (
        Cost("a", 1_080_000),
        Cost("b", 2_040_000),
    )


def quote_several(prices: PriceList, *targets: Target, **members: object) -> Quote:
    """A quote for ``first`` and for the names that targets bear."""
    dialect = DIALECTS["openai_chat"]
    body = msgspec.json.encode({"model": "first", "messages": [{"role": "user", "content": "hi"}], **members})
    others = tuple(dict.fromkeys(target.sold_as for target in targets if target.sold_as))
    plan = Plan("first", "chat", targets, others=others)
    reach = Reach(output_tokens_max=100)
    return make_quote(prices, plan, dialect.peek(body, 64), body, dialect.read_request, lambda _: reach, 0)


SECOND, THIRD = Target("b", "m", "second"), Target("home", "m", "third")


def test_several_names_are_held_at_the_dearest_and_each_has_a_price_of_its_own() -> None:
    made = quote_several(PRICES, A, SECOND, THIRD)
    alone = {name: quote_several(PRICES, target) for name, target in (("", A), ("second", SECOND), ("third", THIRD))}
    assert list(made.sales) == ["", "second", "third"]
    assert [sale.price.name for sale in made.list_sales()] == ["first", "second", "third"]
    assert (made.price, made.price_version) == (made.sales[""].price, made.sales[""].price_version)
    assert len({sale.price_version for sale in made.list_sales()}) == 3
    # The second has the dearer input, the first the dearer output.
    assert made.bound.fixed_nusd == alone["second"].bound.fixed_nusd > alone[""].bound.fixed_nusd
    assert made.bound.output_price_pusd == alone[""].bound.output_price_pusd
    assert made.bound.output_tokens_max == 100
    assert made.bound.output_tokens_min == 100
    for name, sale in made.sales.items():
        assert sale.bound == alone[name].bound


def test_a_request_of_several_names_is_read_once() -> None:
    dialect = DIALECTS["openai_chat"]
    body = msgspec.json.encode(
        {"model": "first", "messages": [{"role": "user", "content": "hi"}], "reasoning": {"effort": "low"}}
    )
    reads: list[bytes] = []

    def read(asked: bytes) -> object:
        reads.append(asked)
        return dialect.read_request(asked)

    plan = Plan("first", "chat", (A, SECOND, THIRD), others=("second", "third"))
    reach = Reach(output_tokens_max=100)
    make_quote(PRICES, plan, dialect.peek(body, 64), body, read, lambda _: reach, 0)
    assert reads == [body]


def test_a_cap_that_the_caller_named_stays_as_it_is_for_several() -> None:
    made = quote_several(PRICES, A, THIRD, max_tokens=7)
    assert (made.bound.output_tokens_max, made.bound.output_tokens_min) == (7, None)


def test_a_free_name_does_not_take_the_cap_from_a_priced_one() -> None:
    dialect = DIALECTS["openai_chat"]
    body = msgspec.json.encode({"model": "first", "messages": [{"role": "user", "content": "hi"}]})
    plan = Plan("first", "chat", (HOME, SECOND), others=("second",))
    made = make_quote(PRICES, plan, dialect.peek(body, 64), body, dialect.read_request, lambda _: Reach(), 0)
    assert made.sales[""].bound.output_tokens_max == 0
    assert made.bound == made.sales["second"].bound


def end(*attempts: Target) -> Outcome:
    return Outcome("c1", "chat", "ok", "first", attempts=tuple(map(Attempt, attempts)))


def test_a_call_is_charged_at_the_price_of_the_name_that_was_asked_last() -> None:
    made = quote_several(PRICES, A, SECOND)
    assert made.find_sale(end(A)) is made.sales[""]
    assert made.find_sale(end(A, SECOND)) is made.sales["second"]
    assert made.find_sale(end()) is made
    single, _ = quote(A, B)
    assert single.find_sale(end(B)) is single
    assert list(single.list_sales()) == [single]


def test_a_first_name_that_nobody_is_left_for_has_no_sale() -> None:
    made = quote_several(PRICES, SECOND)
    assert list(made.sales) == ["second"]
    assert made.price.name == "second"
