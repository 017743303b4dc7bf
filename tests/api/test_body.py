"""Bodies by an allow list: what is wrong is named by its path, in the struct's own words."""

from typing import Annotated

import pytest
from msgspec import Meta, Struct

from tallygate.api.body import read_body, read_time, read_usd
from tallygate.errors import DuplicateKey, InvalidJson, InvalidValue, MissingField, TooDeep


class Inner(Struct, forbid_unknown_fields=True):
    amount: Annotated[str, Meta(description="an amount")]


class Wish(Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(description="a name, as text")]
    items: Annotated[list[Inner], Meta(description="a list of items")] = []
    budgets: Annotated[dict[str, str], Meta(description="USD by period")] = {}


def test_a_good_body() -> None:
    assert read_body(b'{"name": "a", "items": [{"amount": "1"}]}', Wish, 8) == Wish("a", [Inner("1")])


@pytest.mark.parametrize(
    ("body", "field", "sentence"),
    [
        (b'{"name": 7}', "name", "`name` must be a name, as text."),
        (b'{"name": "a", "role": 1}', "role", "`role` is not a field of this request. It takes: name, items, budgets."),
        (b'{"name": "a", "items": 1}', "items", "`items` must be a list of items."),
        (b'{"name": "a", "items": [{"amount": 1}]}', "items[0].amount", "`items[0].amount` must be a list of items."),
        (b'{"name": "a", "items": [{"amount": "1", "b": 1}]}', "items[0].b", "`items[0].b` is not a field"),
        (b'{"name": "a", "budgets": {"daily": 1}}', "budgets[...]", "`budgets[...]` must be USD by period."),
    ],
)
def test_a_bad_field(body: bytes, field: str, sentence: str) -> None:
    with pytest.raises(InvalidValue) as raised:
        read_body(body, Wish, 8)
    assert raised.value.param == field
    assert raised.value.message.startswith(sentence)


def test_a_missing_field() -> None:
    with pytest.raises(MissingField, match="`name` is missing; it must be a name, as text") as raised:
        read_body(b"{}", Wish, 8)
    assert raised.value.param == "name"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", InvalidJson),
        (b"[]", InvalidJson),
        (b"null", InvalidJson),
        (b'{"name":"a","name":"b"}', DuplicateKey),
        (b'{"name":' + b"[" * 9 + b"]" * 9 + b"}", TooDeep),
    ],
)
def test_a_body_that_is_no_sound_object(body: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        read_body(body, Wish, 8)


@pytest.mark.parametrize("text", ["", "ten", "1,00", "1e3", "-1", "0.0000000001", " 1"])
def test_an_amount_that_is_none(text: str) -> None:
    with pytest.raises(InvalidValue) as raised:
        read_usd(text, "usd")
    assert raised.value.param == "usd"


def test_amounts_and_times() -> None:
    assert read_usd("10.00", "usd") == 10 * 10**9
    assert read_time(None, "expires_at") is None
    assert read_time("1970-01-02", "expires_at") == 86_400 * 10**9
