"""What a quote says of a call is what the book would say to it."""

import pytest

from tallygate.access.principal import Principal
from tallygate.access.trial import try_call
from tallygate.genai.book import Budget, Wallet
from tallygate.genai.items import Bound
from tallygate.genai.results import Held, Refused
from tallygate.ledger.prices import price_free
from tallygate.ledger.quote import Quote

WHO = Principal("k1", "u1", "w1", 3, frozenset({"routing:view"}))
QUOTE = Quote(price_free("sale", "m"), "v1", Bound(100, 1_000, 1_000, 256))
DAY_NS = 86_400 * 10**9


def attempt(wallet: Wallet, *budgets: Budget, shortens: bool = True, quote: Quote = QUOTE) -> Held | Refused:
    return try_call(WHO, quote, model="m", wallet=wallet, budgets=budgets, shortens=shortens, now_ns=10 * DAY_NS)


def test_a_wallet_that_covers_it() -> None:
    result = attempt(Wallet("w1", 1_100))
    assert isinstance(result, Held)
    assert (result.hold.amount_nusd, result.hold.output_tokens_max) == (1_100, 1_000)


def test_a_short_one_shortens_where_the_key_allows_it() -> None:
    result = attempt(Wallet("w1", 1_100, 700))
    assert isinstance(result, Held)
    assert result.hold.output_tokens_max == 300
    refused = attempt(Wallet("w1", 1_100, 700), shortens=False)
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.output_tokens_affordable) == ("balance", 300)


@pytest.mark.parametrize(("spent_nusd", "window_start_ns", "held"), [(1, 10 * DAY_NS, False), (1_100, 0, True)])
def test_a_budget_counts_in_its_present_window(spent_nusd: int, window_start_ns: int, held: bool) -> None:
    budget = Budget(
        id="b1",
        level="user",
        owner_id="u1",
        period="daily",
        limit_nusd=1_100,
        spent_nusd=spent_nusd,
        window_start_ns=window_start_ns,
    )
    result = attempt(Wallet("w1", 10_000), budget, shortens=False)
    assert isinstance(result, Held) == held
    assert held or (isinstance(result, Refused) and (result.reason, result.level) == ("budget", "user"))
