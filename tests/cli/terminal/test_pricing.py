"""Prices as a line of a table and as JSON."""

from tallygate.cli.terminal.pricing import COLUMNS, Shown, to_cells, to_json
from tallygate.ledger.pricelist import Version
from tallygate.ledger.prices import Price, Rates, Tier, price_free

TIERED = Price(
    kind="sale",
    name="m",
    effective_from_ns=1_801_440_000 * 10**9,
    rates=Rates(input=3_000_000, cache_read=300_000, output=15_000_000),
    tiers=(Tier(above_input_tokens=200_000, rates=Rates(input=6_000_000, cache_read=300_000, output=22_500_000)),),
    tool_use=10_000_000_000,
)


def test_a_price_is_one_line_with_all_it_says() -> None:
    cells = to_cells(Shown("sale", "m", Version(TIERED, "0123456789abcdef", "set")))
    assert dict(zip(COLUMNS, cells, strict=True)) == {
        "kind": "sale",
        "name": "m",
        "input": "3.00",
        "output": "15.00",
        "also": "cache read 0.30, tool use 0.01, above 200,000 tokens 6.00 / 22.50",
        "from": "2027-02-01 00:00 UTC",
        "source": "set",
        "version": "0123456789ab",
    }


def test_free_is_said_and_so_is_no_price() -> None:
    free = Shown("cost", "p/m", Version(price_free("cost", "p/m"), "v", "local"))
    assert to_cells(free) == ("cost", "p/m", "free", "free", "", "local", "", "v")
    assert to_cells(Shown("sale", "m", None)) == ("sale", "m", "no price", "", "", "", "", "")


def test_a_script_gets_the_terms_that_make_the_price() -> None:
    assert to_json(Shown("sale", "m", Version(TIERED, "v", "set"))) == {
        "kind": "sale",
        "name": "m",
        "source": "set",
        "terms": {
            "input": "3.00",
            "cache_read": "0.30",
            "output": "15.00",
            "tiers": [{"above_input_tokens": 200_000, "input": "6.00", "cache_read": "0.30", "output": "22.50"}],
            "tool_use": "0.01",
        },
        "effective_from": "2027-02-01T00:00:00Z",
        "version": "v",
    }
    assert to_json(Shown("sale", "m", Version(price_free("sale", "m"), "v", "configured")))["terms"] == "free"
    assert to_json(Shown("cost", "p/m", None)) == {"kind": "cost", "name": "p/m", "source": None, "terms": None}
