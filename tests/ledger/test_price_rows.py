"""A price comes back from its row as it was, under the name that receipts give it."""

from hypothesis import given

from tallygate.genai.usage import Usage
from tallygate.ledger.price_rows import read_row, write_row
from tallygate.ledger.prices import Price, charge, name_version, price_free
from tests.laws.price_values import PRICES, USAGES


@given(PRICES, USAGES)
def test_what_a_row_holds_charges_what_was_written(price: Price, usage: Usage) -> None:
    row = write_row(price)
    assert charge(read_row(row), usage) == charge(price, usage)
    assert row.version == name_version(read_row(row))
    assert write_row(read_row(row)) == row


def test_a_free_price_is_written_as_free() -> None:
    assert write_row(price_free("sale", "m", 4)).terms == '"free"'
