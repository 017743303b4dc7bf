"""The shipped list: every row is a price, names are exact, and the well-known models of our providers are in it."""

import msgspec
import pytest

from tallygate.genai.plan import Target
from tallygate.genai.usage import Usage
from tallygate.ledger.catalogue import Listing, load_catalogue, read_catalogue
from tallygate.ledger.pricelist import PriceList
from tallygate.ledger.prices import charge
from tallygate.providers.registry import load_rows

CATALOGUE = load_catalogue()
VARIABLE = {"openrouter/openrouter/auto"}
"""A name under which the provider chooses, and asks what its choice costs."""
FEB_1_2027_NS = 1_801_440_000 * 10**9


def test_every_listing_is_a_price_of_its_name() -> None:
    assert len(CATALOGUE.listings) > 1_000
    for name in CATALOGUE.listings:
        for price in CATALOGUE.list_costs(name):
            assert (price.kind, price.name) == ("cost", name)
            assert charge(price, Usage(1_000_000, 1_000_000, duration_ms=1_000_000, characters=1_000_000)) >= 0


def test_a_model_that_our_own_providers_list_has_a_price() -> None:
    listed = {row.name for row in load_rows().values()} & {name.partition("/")[0] for name in CATALOGUE.listings}
    assert len(listed) == 4
    for row in load_rows().values():
        for model in row.models if row.name in listed else ():
            name = f"{row.name}/{model}"
            assert bool(CATALOGUE.list_costs(name)) != (name in VARIABLE), name


def test_a_price_is_what_the_vendor_publishes() -> None:
    (price,) = CATALOGUE.list_costs("openai/gpt-4o")
    assert charge(price, Usage(1_000_000, 1_000_000, cached_input_tokens=400_000)) == 12_000_000_000
    (sonnet,) = CATALOGUE.list_costs("anthropic/claude-sonnet-4-6")
    assert charge(sonnet, Usage(1_000_000, 0, cache_write_tokens=10**6, cache_write_1h_tokens=10**6)) == 6_000_000_000
    (tiered,) = CATALOGUE.list_costs("gemini/gemini-2.5-pro")
    assert [charge(tiered, Usage(tokens, 0)) for tokens in (200_000, 200_001)] == [250_000_000, 500_002_500]


def test_a_coming_price_is_a_version_of_its_own() -> None:
    now, then = CATALOGUE.list_costs("gemini/gemini-3.6-flash")
    assert now.effective_from_ns < then.effective_from_ns <= FEB_1_2027_NS
    prices = PriceList(CATALOGUE, {}, ())
    for at_ns, price in ((0, now), (FEB_1_2027_NS, then)):
        version = prices.cost(Target("gemini", "gemini-3.6-flash"), at_ns)
        assert version is not None
        assert version.price == price


@pytest.mark.parametrize("name", ["openai/gpt-4o-2024-08-06", "anthropic/claude-sonnet-4-5-20250929"])
def test_another_name_of_a_model_has_its_price(name: str) -> None:
    (price,) = CATALOGUE.list_costs(name)
    assert price.name == name
    assert CATALOGUE.find_context(name) in (128_000, 200_000)


@pytest.mark.parametrize(
    "name", ["gpt-4o", "openai/GPT-4o", "openai/gpt-4o-2099-01-01", "openai/gpt-4o ", "lab/gpt-4o", "openai/", ""]
)
def test_a_near_miss_is_a_miss(name: str) -> None:
    assert CATALOGUE.list_costs(name) == ()
    assert CATALOGUE.find_context(name) is None


def test_only_a_listing_that_says_so_covers_dated_names() -> None:
    rows = [Listing("a/m", {"input": "1"}, snapshots=True, also=("n",)), Listing("a/o", {"input": "2"})]
    catalogue = read_catalogue(msgspec.json.encode({"prices": rows}))
    assert [bool(catalogue.find(f"a/{name}")) for name in ("m-20260101", "n-latest", "o-20260101", "m-2026")] == [
        True,
        True,
        False,
        False,
    ]
