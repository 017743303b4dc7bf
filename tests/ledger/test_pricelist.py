"""The price list: who says a price first, when a version begins, and that what is remembered is never out of date."""

import msgspec
import pytest

from tallygate.errors import Unpriced
from tallygate.genai.plan import Target
from tallygate.genai.price_row import PriceKind, PriceRow
from tallygate.ledger.catalogue import Listing, load_catalogue, read_catalogue
from tallygate.ledger.pricelist import PriceList, Source, Version
from tallygate.ledger.prices import Price, Rates, name_version, price_free
from tallygate.router.settings import ModelSettings, PriceSettings

LIST = read_catalogue(
    msgspec.json.encode(
        {
            "prices": [
                Listing("lab/m", {"input": "2", "output": "8"}),
                Listing("lab/m", {"input": "1", "output": "4"}, effective_from_s=100),
                Listing("den/m", {"input": "1", "output": "9"}),
            ]
        }
    )
)
LAB, DEN, HOME = Target("lab", "m"), Target("den", "m"), Target("home", "m")
AT_100_NS = 100 * 10**9


def row(kind: PriceKind, name: str, terms: object, from_ns: int = 0, seq: int = 1) -> PriceRow:
    text = msgspec.json.encode(terms).decode()
    return PriceRow(version=f"v{seq}", kind=kind, name=name, effective_from_ns=from_ns, terms=text, seq=seq)


def rates(version: Version | None) -> tuple[int | None, int | None]:
    assert version is not None
    return version.price.rates.input, version.price.rates.output


def said_by(prices: PriceList, name: str, *targets: Target, at_ns: int = 0) -> tuple[Source, int | None]:
    version = prices.sale(name, targets, at_ns)
    return version.source, version.price.rates.input


MODELS = {"m": ModelSettings(targets=("lab/m",), aliases=("other",), price=PriceSettings(input="5", output="6"))}


def test_the_strongest_who_says_a_price_is_heard() -> None:
    listed = PriceList(LIST)
    configured = PriceList(LIST, MODELS)
    assert said_by(listed, "m", LAB) == ("list", 2_000_000)
    assert said_by(configured, "m", LAB) == ("configured", 5_000_000)
    assert said_by(configured.with_rows([row("cost", "lab/m", {"input": "7"})]), "m", LAB) == ("configured", 5_000_000)
    assert said_by(configured.with_rows([row("sale", "m", {"input": "7"})]), "m", LAB) == ("set", 7_000_000)
    assert said_by(listed.with_rows([row("cost", "lab/m", {"input": "7"})]), "m", LAB) == ("set", 7_000_000)


def test_another_name_of_a_model_has_its_price_unless_it_has_one_of_its_own() -> None:
    prices = PriceList(LIST, MODELS)
    assert said_by(prices, "other", LAB) == ("configured", 5_000_000)
    prices = prices.with_rows([row("sale", "m", {"input": "7"}, seq=1)])
    assert said_by(prices, "other", LAB) == ("set", 7_000_000)
    prices = prices.with_rows([row("sale", "other", {"input": "3"}, seq=2)])
    assert said_by(prices, "other", LAB) == ("set", 3_000_000)
    assert said_by(prices, "m", LAB) == ("set", 7_000_000)


def test_what_runs_here_is_free_and_has_a_version_like_all_else() -> None:
    prices = PriceList(LIST, free_providers=["home"])
    version = prices.cost(HOME, 0)
    assert version == Version(price_free("cost", "home/m"), name_version(price_free("cost", "home/m")), "local")
    sale = prices.sale("llama", (HOME,), 0)
    assert sale.price == price_free("sale", "llama")
    assert sale.source == "local"
    assert rates(prices.with_rows([row("cost", "home/m", {"input": "1"})]).cost(HOME, 0)) == (1_000_000, None)


def test_a_version_begins_at_its_moment_and_what_is_remembered_ends_there() -> None:
    prices = PriceList(LIST)
    for at_ns, price in [(0, 2_000_000), (AT_100_NS - 1, 2_000_000), (AT_100_NS, 1_000_000), (5, 2_000_000)]:
        assert said_by(prices, "m", LAB, at_ns=at_ns) == ("list", price)
        assert rates(prices.cost(LAB, at_ns))[0] == price
    coming = prices.with_rows([row("sale", "m", {"input": "9"}, from_ns=50)])
    assert [said_by(coming, "m", LAB, at_ns=at_ns) for at_ns in (49, 50, AT_100_NS, 49)] == [
        ("list", 2_000_000),
        ("set", 9_000_000),
        ("set", 9_000_000),
        ("list", 2_000_000),
    ]


def test_of_two_rows_that_begin_together_the_later_one_counts() -> None:
    one, two = row("sale", "m", {"input": "1"}, seq=4), row("sale", "m", {"input": "2"}, seq=5)
    prices = PriceList(LIST, rows=[one]).with_rows([two])
    assert said_by(prices, "m", LAB) == ("set", 2_000_000)
    assert prices.seq == 5
    assert prices.sale("m", (LAB,), 0).name == "v5"


def test_a_list_is_not_changed_by_the_one_made_of_it() -> None:
    prices = PriceList(LIST)
    assert said_by(prices, "m", LAB) == ("list", 2_000_000)
    assert said_by(prices.with_rows([row("sale", "m", "free")]), "m", LAB) == ("set", 0)
    assert said_by(prices, "m", LAB) == ("list", 2_000_000)
    assert prices.seq == 0


def test_of_several_targets_the_dearest_counts_for_each_kind() -> None:
    version = PriceList(LIST, free_providers=["home"]).sale("m", (LAB, DEN, HOME), 0)
    assert (version.source, *rates(version)) == ("dearest", 2_000_000, 9_000_000)
    assert version.price.kind == "sale"
    assert version.name == name_version(version.price)


def test_a_factor_alone_multiplies_what_the_first_target_costs_now() -> None:
    models = {"m": ModelSettings(targets=("lab/m", "den/m"), price=PriceSettings(factor="0.5"))}
    prices = PriceList(LIST, models)
    assert said_by(prices, "m", LAB, DEN) == ("configured", 1_000_000)
    assert said_by(prices, "m", LAB, DEN, at_ns=AT_100_NS) == ("configured", 500_000)
    dear = prices.with_rows([row("cost", "lab/m", {"input": "10", "output": "10"})])
    assert said_by(dear, "m", LAB) == ("configured", 5_000_000)


@pytest.mark.parametrize(
    "models",
    [
        {},
        {"m": ModelSettings(targets=("far/m",), price=PriceSettings(factor="0.5"))},
        {"m": ModelSettings(price=PriceSettings(factor="0.5"))},
    ],
)
def test_a_call_without_a_price_is_refused_also_if_only_one_target_has_none(models: dict[str, ModelSettings]) -> None:
    prices = PriceList(LIST, models)
    for _ in range(2):
        with pytest.raises(Unpriced):
            prices.sale("m", (Target("far", "m"), LAB), 0)
    with pytest.raises(Unpriced):
        prices.sale("m", (), 0)
    assert prices.cost(Target("far", "m"), 0) is None


def test_a_configured_price_that_is_none_is_named() -> None:
    tiers = [{"above_input_tokens": 5, "input": "1"}, {"above_input_tokens": 5, "input": "2"}]
    settings = msgspec.convert({"price": {"input": "1", "tiers": tiers}}, ModelSettings)
    with pytest.raises(ValueError, match=r"models\.m\.price: tiers: two of them begin"):
        PriceList(LIST, {"m": settings})


def test_all_that_is_said_of_a_name_can_be_listed() -> None:
    prices = PriceList(LIST, MODELS, rows=[row("sale", "m", "free", from_ns=9), row("cost", "lab/m", "free", seq=2)])
    assert [(version.source, version.price.effective_from_ns) for version in prices.versions("sale", "other")] == [
        ("configured", 0)
    ]
    assert [version.source for version in prices.versions("sale", "m")] == ["set", "configured"]
    assert [version.source for version in prices.versions("cost", "lab/m")] == ["set", "list", "list"]
    assert (prices.names("sale"), prices.names("cost")) == ({"m"}, {"lab/m"})


def test_callers_cannot_make_the_list_remember_without_end() -> None:
    prices = PriceList(LIST)
    for number in range(10_000):
        prices.sale(f"m{number}", (LAB,), 0)
    assert len(prices._sales) <= 4_096


def test_a_second_look_is_a_look_into_a_table() -> None:
    """Not a measure of time: the second look must not do what the first one did, on a list with real prices."""
    prices = PriceList(load_catalogue())
    targets = (Target("openai", "gpt-4o"), Target("openrouter", "openai/gpt-4o"))
    first = prices.sale("gpt-4o", targets, 0)
    assert prices.sale("gpt-4o", targets, 10) is first
    assert prices.cost(targets[0], 5) is prices.cost(targets[0], 6)


def test_a_price_is_what_its_terms_say() -> None:
    price = PriceList(LIST).sale("m", (DEN,), 0).price
    assert price == Price(kind="sale", name="m", rates=Rates(input=1_000_000, output=9_000_000))
