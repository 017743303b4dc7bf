"""The query of an address: an allow list, one value for each name, moments and whole numbers within bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.api.query import need, read_moment, read_query, read_whole
from tallygate.errors import InvalidValue

DAY_NS = 86_400 * 10**9


def test_values_are_decoded_and_empty_ones_left_out() -> None:
    assert read_query(b"a=x%20y&b=&c=1+2", ("a", "b", "c")) == {"a": "x y", "c": "1 2"}
    assert read_query(b"", ()) == {}


@pytest.mark.parametrize("query", [b"d=1", b"a=1&a=2", b"a=%ff", b"a=%00", b"\xff=1", b"a=%0a", b"a=" + b"x" * 2000])
def test_what_is_not_expected_is_refused(query: bytes) -> None:
    with pytest.raises(InvalidValue):
        read_query(query, ("a", "b"))


@given(st.binary(max_size=200))
def test_no_query_breaks_it(query: bytes) -> None:
    try:
        values = read_query(query, ("a", "b"))
    except InvalidValue:
        return
    assert values.keys() <= {"a", "b"}


def test_a_name_that_must_be_there() -> None:
    assert need({"a": "1"}, "a") == "1"
    with pytest.raises(InvalidValue) as raised:
        need({}, "a")
    assert raised.value.param == "a"


@pytest.mark.parametrize("text", ["0", "11", "-1", "1.0", "", "1e1", "\u0661", "9" * 30])
def test_a_number_outside_its_bounds(text: str) -> None:
    with pytest.raises(InvalidValue):
        read_whole({"n": text}, "n", low=1, high=10, otherwise=5)


def test_a_number_within_them() -> None:
    assert read_whole({"n": "10"}, "n", low=1, high=10, otherwise=5) == 10
    assert read_whole({}, "n", low=1, high=10, otherwise=5) == 5


@pytest.mark.parametrize(
    ("text", "moment_ns"),
    [
        ("1970-01-02", DAY_NS),
        ("1970-01-02T00:00:00Z", DAY_NS),
        ("1970-01-02T01:30:00+01:30", DAY_NS),
        ("1970-01-01T00:00:00.000001Z", 1_000),
    ],
)
def test_moments(text: str, moment_ns: int) -> None:
    assert read_moment(text, "from") == moment_ns
    assert read_moment(text, "to", end_of_day=True) == moment_ns + DAY_NS * (len(text) == 10)


@pytest.mark.parametrize(
    "text", ["", "now", "1970-13-01", "1970-01-02T00:00:00", "1969-12-31", "9999-12-31", "19700102"]
)
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(InvalidValue):
        read_moment(text, "from")
