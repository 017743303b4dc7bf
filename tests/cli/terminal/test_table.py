"""Tables at every width: nothing is lost, and nothing is wider than the terminal as long as that can be."""

import re

from hypothesis import given
from hypothesis import strategies as st

from tallygate.cli.terminal.table import lay_out

_WORDS = st.text("abc-/. ", max_size=40).map(lambda text: " ".join(text.split()))


def plain(lines: list[str]) -> list[str]:
    """The lines without their colours."""
    return [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]


def test_columns_are_as_wide_as_their_values() -> None:
    assert plain(lay_out(["name", "id"], [("a", "1"), ("longer", "22")], 80)) == [
        "NAME    ID",
        "a       1",
        "longer  22",
    ]


def test_a_column_without_values_is_left_out() -> None:
    assert plain(lay_out(["name", "note", "id"], [("a", "", "1")], 80)) == ["NAME  ID", "a     1"]


def test_a_wide_column_is_wrapped() -> None:
    lines = plain(lay_out(["setting", "value"], [("data", "one two three four five six seven")], 32))
    assert lines == ["SETTING  VALUE", "data     one two three four five", "         six seven"]


def test_a_table_too_wide_to_wrap_becomes_blocks() -> None:
    lines = plain(lay_out(["name", "id"], [("a" * 30, "b" * 30), ("c", "")], 20))
    assert lines == ["name  " + "a" * 30, "id    " + "b" * 30, "", "name  c"]


@given(st.lists(st.tuples(_WORDS, _WORDS, _WORDS), min_size=1, max_size=4), st.integers(0, 100))
def test_no_value_is_lost_and_no_line_is_too_wide(rows: list[tuple[str, str, str]], width: int) -> None:
    lines = plain(lay_out(["x", "y", "z"], rows, width))
    written = "".join("".join(lines).split()).lower()
    for row in rows:
        for cell in row:
            assert all(symbol in written for symbol in cell if symbol != " ")
    assert sum(line.count("a") for line in lines) == sum(cell.count("a") for row in rows for cell in row)
    if width >= 3 * 18 + 4:
        assert all(len(line) <= width for line in lines)
