"""The bound of a call for embeddings: every byte may be a token, tokens are themselves, and no window is overfilled."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.dialects.openai_media import OpenAIEmbeddings
from tallygate.errors import Unpriced, UnsupportedParameter
from tallygate.genai.ceilings import Reach
from tallygate.genai.items import Bound
from tallygate.genai.usage import Usage
from tallygate.ledger.embed_bound import MARK_TOKENS, bound_embeddings, count_most
from tallygate.ledger.prices import Price, Rates, charge, price_free
from tests.laws.embedding_values import requests
from tests.laws.strategies import maybe

DIALECT = OpenAIEmbeddings()
PRICE = Price(kind="sale", name="m", rates=Rates(input=1_000_000))
OPEN = Reach()


def bound(given: Any, *reaches: Reach, price: Price = PRICE, **fields: Any) -> Bound:
    body = msgspec.json.encode({"model": "m", "input": given, **fields})
    return bound_embeddings(price, DIALECT.peek(body, 64), body, reaches or (OPEN,), DIALECT.read_request)


def hold_for(tokens: int) -> Bound:
    return Bound(1_000 * tokens, input_tokens_max=tokens)


@pytest.mark.parametrize(
    ("given", "tokens"),
    [
        ("abc", 3 + MARK_TOKENS),
        ("é€😀", 2 + 3 + 4 + MARK_TOKENS),
        (["abc", "de"], 5 + 2 * MARK_TOKENS),
        ([1, 2, 3, 100_000], 4 + MARK_TOKENS),
        ([[1, 2], [3]], 3 + 2 * MARK_TOKENS),
    ],
)
def test_what_goes_in_is_held_and_nothing_else(given: Any, tokens: int) -> None:
    assert bound(given) == hold_for(tokens)


def test_no_input_is_longer_than_the_context_of_the_target_that_takes_most() -> None:
    assert bound(["a" * 900, "b" * 10], Reach(context_tokens=500)) == hold_for(500 + 10 + MARK_TOKENS)
    assert bound("a" * 900, Reach(context_tokens=500), Reach(context_tokens=700)) == hold_for(700)


def test_what_nobody_knows_may_be_put_before_each_text() -> None:
    told = '"query: "'
    assert bound(["a", "b"], instruction="query: ") == hold_for(2 * (1 + MARK_TOKENS + len(told)))
    turns = [{"role": "user", "content": "a" * 900}]
    long = bound("a", messages=turns)
    assert long.fixed_nusd > 1_000 * 900
    assert bound("a", Reach(context_tokens=500), messages=turns) == hold_for(500)
    assert bound("a", user="u" * 64, dimensions=8, encoding_format="float") == bound("a")


def test_a_price_without_input_is_none() -> None:
    with pytest.raises(Unpriced):
        bound("hi", price=Price(kind="sale", name="m", rates=Rates(output=1)))


def test_nothing_is_held_for_what_is_free() -> None:
    assert bound("hi", price=price_free("sale", "m")) == Bound(0, input_tokens_max=2 + MARK_TOKENS)


def test_other_models_at_their_own_prices_are_refused() -> None:
    with pytest.raises(UnsupportedParameter) as refused:
        bound("hi", models=["a", "b"])
    assert refused.value.param == "models"


@given(requests(), maybe(st.integers(1, 40)), st.data())
def test_no_call_costs_more_than_its_bound(request: Any, context_tokens: int | None, data: st.DataObject) -> None:
    body = DIALECT.write_request(request).body
    reach = Reach(context_tokens=context_tokens)
    unknown = sum(len(msgspec.json.encode(value)) for value in request.extra.values())
    most = count_most(request.inputs, reach, unknown)
    held = bound_embeddings(PRICE, DIALECT.peek(body, 64), body, [reach], DIALECT.read_request)
    used = Usage(input_tokens=data.draw(st.integers(0, most)))
    assert charge(PRICE, used) <= held.fixed_nusd
    assert charge(PRICE, Usage(input_tokens=most)) == held.fixed_nusd
