"""A quote joins price and bound; what attempts cost the house is counted at the price of who served them."""

import msgspec
import pytest

from tallygate.dialects.registry import DIALECTS
from tallygate.errors import Unpriced, UnsupportedParameter
from tallygate.genai.ceilings import Reach
from tallygate.genai.items import Cost
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
