"""What can be called now, and that every price a call was quoted is known by the name that its receipt bears."""

import pytest

from tallygate.dialects.registry import DIALECTS
from tallygate.genai.peek import Peek
from tallygate.ledger.price_rows import read_row
from tallygate.ledger.prices import name_version
from tallygate.pipeline import supply as supplying
from tallygate.pipeline.supply import Supply
from tallygate.router.settings import ModelSettings, PriceSettings

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
