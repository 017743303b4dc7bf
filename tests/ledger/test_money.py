"""Amounts are read and written exactly, nothing else is an amount, and a call is rounded up once."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.ledger import money

AMOUNTS = st.integers(0, money.AMOUNT_MAX)
READERS: list[tuple[Callable[[str], int], Callable[[int], str], int]] = [
    (money.parse_usd, money.print_usd, 9),
    (money.parse_price_per_million, money.print_price_per_million, 6),
    (money.parse_price_per_unit, money.print_price_per_unit, 12),
]


@pytest.mark.parametrize(
    ("text", "amount_nusd"),
    [
        ("0", 0),
        ("5.00", 5_000_000_000),
        ("0.000000001", 1),
        ("007.5", 7_500_000_000),
        ("1.100000000000000000", 1_100_000_000),
        ("9223372036.854775807", money.AMOUNT_MAX),
    ],
)
def test_an_amount_is_read_exactly(text: str, amount_nusd: int) -> None:
    assert money.parse_usd(text) == amount_nusd


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", ".", "1.", ".5", "1e3", "1E3", "0x10", "1_000", "1,000", "1 000", " 1", "1\n", "+1", "--1", "nan"),
        *("inf", "Infinity", "$1", "1.0.0", "٣", "\uff11", "1/2", "1.5.", "0.0000000001", "9223372036.854775808"),
        *("99999999999999999999", "-1", "-0.5"),
    ],
)
def test_anything_else_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"not an amount|decimals|negative|more than"):
        money.parse_usd(text)


@pytest.mark.parametrize("value", [1.0, 5, None, True, b"1", Decimal(1), ["1"]])
def test_only_text_is_read(value: object) -> None:
    with pytest.raises(ValueError, match="is not an amount"):
        money.parse_usd(value)  # pyright: ignore[reportArgumentType]


def test_what_is_shown_of_a_wrong_amount_is_short() -> None:
    with pytest.raises(ValueError, match="not an amount") as caught:
        money.parse_usd("9" * 10_000)
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize(
    ("amount_nusd", "text"),
    [(0, "0.00"), (5_000_000_000, "5.00"), (1_234, "0.000001234"), (-1_234, "-0.000001234"), (12_340_000_000, "12.34")],
)
def test_an_amount_is_printed_with_two_decimals_or_as_many_as_it_needs(amount_nusd: int, text: str) -> None:
    assert money.print_usd(amount_nusd) == text


@pytest.mark.parametrize(("read", "write", "places"), READERS)
@given(value=AMOUNTS)
def test_what_is_printed_is_read_back(
    read: Callable[[str], int], write: Callable[[int], str], places: int, value: int
) -> None:
    assert read(write(value)) == value
    assert Decimal(write(value)) == Decimal(value).scaleb(-places)


@given(AMOUNTS.map(int.__neg__))
def test_a_negative_amount_is_read_only_where_it_may_stand(value: int) -> None:
    text = money.print_usd(value)
    assert money.parse_usd(text, signed=True) == value


def test_prices_have_the_decimals_of_their_unit() -> None:
    assert money.parse_price_per_million("3.00") == 3_000_000
    assert money.parse_price_per_million("0.000001") == 1
    assert money.parse_price_per_unit("0.04") == 40_000_000_000
    with pytest.raises(ValueError, match="more than 6 decimals"):
        money.parse_price_per_million("0.0000001")


@given(st.lists(st.integers(0, 10**12), max_size=20))
def test_a_call_is_rounded_up_once_and_by_less_than_one(parts_pusd: list[int]) -> None:
    charged = money.round_up(sum(parts_pusd))
    assert 0 <= charged * 1_000 - sum(parts_pusd) < 1_000
    assert charged <= sum(map(money.round_up, parts_pusd))


def test_a_million_tiny_calls_lose_and_gain_nothing() -> None:
    whole = [money.round_up(3 * price_pusd * 1_000) for price_pusd in range(1_000)]
    assert sum(whole) * 1_000 == sum(whole[price % 1_000] for price in range(1_000_000))
    assert sum(whole) == 3 * sum(range(1_000))
    assert money.round_up(1) == 1
    assert money.round_up(0) == 0


@given(AMOUNTS, st.integers(1, 10**12))
def test_as_many_units_are_affordable_as_the_amount_pays_for(amount_nusd: int, price_pusd: int) -> None:
    count = money.count_affordable(amount_nusd, price_pusd)
    assert money.round_up(count * price_pusd) <= amount_nusd < money.round_up((count + 1) * price_pusd)


@pytest.mark.parametrize("value", [0, 1, money.AMOUNT_MAX])
def test_an_amount_is_a_whole_number_a_row_holds(value: int) -> None:
    assert money.is_amount(value)


@pytest.mark.parametrize("value", [-1, money.AMOUNT_MAX + 1, 1.0, True, "1", None, Decimal(1)])
def test_nothing_else_is_an_amount(value: object) -> None:
    assert not money.is_amount(value)
