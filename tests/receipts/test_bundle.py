"""Bundles: one spelling each, nothing in them that is not looked at, and no key."""

import msgspec
import pytest

from tallygate.receipts.bundle import BUNDLE_BYTES_MAX, BadBundle, read_bundle, write_bundle
from tallygate.receipts.canonical import Value, read_canonical, write_canonical
from tallygate.receipts.commitment import LABELS
from tests.receipts.making import bundle, open_fields, pin, prove, receipt


def parts() -> dict[str, Value]:
    """The members of a bundle, to be changed."""
    value = read_canonical(bundle())
    assert isinstance(value, dict)
    return value


def test_what_was_written_is_read() -> None:
    read = read_bundle(write_bundle(receipt(), prove(receipt()), open_fields("request", "response")))
    assert read.body == receipt()
    assert read.proof == prove(receipt())
    assert read.openings == open_fields("request", "response")


def test_a_bundle_is_canonical_as_a_whole() -> None:
    data = bundle(None, *LABELS)
    assert write_canonical(read_canonical(data)) == data


def test_one_newline_at_the_end_is_allowed() -> None:
    assert read_bundle(bundle() + b"\n") == read_bundle(bundle())
    with pytest.raises(BadBundle):
        read_bundle(bundle() + b"\n\n")


def test_another_spelling_of_the_same_json_is_refused() -> None:
    with pytest.raises(BadBundle, match="canonical"):
        read_bundle(msgspec.json.format(bundle(), indent=1))


@pytest.mark.parametrize(
    "change",
    [
        {"keyset": {}},
        {"proof": 1},
        {"proof": []},
        {"receipt": "text"},
        {"receipt": {}},
        {"openings": []},
        {"openings": {"key": "A" * 43}},
        {"openings": {"request": "A" * 42}},
        {"openings": {"request": 1}},
    ],
)
def test_what_is_no_bundle_is_refused(change: dict[str, Value]) -> None:
    with pytest.raises(BadBundle):
        read_bundle(write_canonical(parts() | change))


@pytest.mark.parametrize("missing", ["receipt", "proof"])
def test_a_bundle_has_both_its_parts(missing: str) -> None:
    value = parts()
    del value[missing]
    with pytest.raises(BadBundle):
        read_bundle(write_canonical(value))


def test_a_bundle_that_is_too_long_is_not_even_looked_at() -> None:
    with pytest.raises(BadBundle, match="at most"):
        read_bundle(b" " * (BUNDLE_BYTES_MAX + 1))


def test_a_bundle_brings_no_key() -> None:
    assert pin().logs[0].keys[0].vkey.encode() not in bundle(None, *LABELS)
