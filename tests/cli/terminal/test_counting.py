"""Numbers in sentences, and those that are missing from a row."""

from hypothesis import given
from hypothesis import strategies as st

from tallygate.cli.terminal.counting import RANGES_SHOWN_MAX, count, find_gaps, show_ranges


def test_one_is_one_and_others_are_many() -> None:
    assert [count(number, "call") for number in (0, 1, 2)] == ["0 calls", "1 call", "2 calls"]


def test_ranges_are_short_and_of_many_only_the_first_are_shown() -> None:
    assert show_ranges([]) == "none"
    assert show_ranges([(3, 3), (7, 9)]) == "3, 7 to 9"
    many = [(number, number) for number in range(0, 100, 2)]
    assert show_ranges(many).endswith(f", 22, and {50 - RANGES_SHOWN_MAX} more gaps")


@given(st.sets(st.integers(1, 60)), st.integers(0, 60))
def test_gaps_and_numbers_together_are_all_there_is(numbers: set[int], after: int) -> None:
    missing = [number for low, high in find_gaps(sorted(numbers), after) for number in range(low, high + 1)]
    last = max(numbers, default=0)
    assert missing == [number for number in range(after + 1, last) if number not in numbers]
