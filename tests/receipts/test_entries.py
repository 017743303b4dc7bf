"""What stands in the log beside receipts, and that each body says what it is."""

import hashlib

import pytest
import rfc8785

from tallygate.genai.price_row import PriceRow
from tallygate.receipts.canonical import NotCanonical, Value, read_canonical
from tallygate.receipts.entries import (
    KeysEntry,
    PriceEntry,
    digest_body,
    read_entry,
    read_price,
    write_keys,
    write_price,
)
from tallygate.receipts.receipt import Receipt
from tests.receipts.making import ISSUED_MS, LOG, pin, receipt

ROW = PriceRow(
    version="5f" * 32,
    kind="sale",
    name="qwen3",
    effective_from_ns=1_763_000_000_123_456_789,
    terms='{"input":"0.20","output":"0.80"}',
)


def body() -> bytes:
    """A price on record."""
    return write_price(ROW, "Example Lab", LOG, ISSUED_MS * 1_000_000)


def test_a_price_comes_back_as_it_was_set() -> None:
    entry = read_entry(read_canonical(body()))
    assert isinstance(entry, PriceEntry)
    assert read_price(entry) == ROW
    assert (entry.issuer, entry.log, entry.issued_ms) == ("Example Lab", LOG, ISSUED_MS)


def test_a_receipt_is_known_by_its_type() -> None:
    assert isinstance(read_entry(read_canonical(receipt())), Receipt)


@pytest.mark.parametrize(
    "value", ["text", [], {}, {"type": 1}, {"type": "tallygate/price/2"}, {"type": "tallygate/price/1"}]
)
def test_what_is_no_entry_is_refused(value: Value) -> None:
    with pytest.raises(NotCanonical):
        read_entry(value)


@pytest.mark.parametrize("text", ["", "-1", "1.0", "01", "1_0", "9" * 5_000])
def test_a_time_that_is_no_number_is_refused(text: str) -> None:
    value = read_canonical(body())
    assert isinstance(value, dict)
    entry = read_entry(value | {"effective_from_ns": text})
    assert isinstance(entry, PriceEntry)
    with pytest.raises(ValueError, match="decimal"):
        read_price(entry)


def test_a_change_of_keys_is_on_record_as_it_is_published() -> None:
    entry = read_entry(read_canonical(write_keys(pin(), LOG, ISSUED_MS * 1_000_000)))
    assert isinstance(entry, KeysEntry)
    assert (entry.keys, entry.issuer, entry.log, entry.issued_ms) == (pin(), "Example Lab", LOG, ISSUED_MS)


def test_the_log_holds_the_digest_of_the_canonical_bytes() -> None:
    value = read_canonical(body())
    assert digest_body(body()) == hashlib.sha256(rfc8785.dumps(value)).digest()
