"""Tables that a spreadsheet opens without running anything."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.api.table import write_table


def test_names_first_then_rows() -> None:
    rows = [{"b": 1, "a": "x", "c": None}, {"a": 'y,"z"\n', "b": 2, "c": "-"}]
    assert write_table(("a", "b", "c"), rows) == b'a,b,c\r\nx,1,\r\n"y,""z""\n",2,\'-\r\n'


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_begins_like_a_formula(text: str) -> None:
    _, (cell,) = csv.reader(io.StringIO(write_table(("a",), [{"a": text}]).decode(), newline=""))
    assert cell == f"'{text}"


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=2, max_size=4))
def test_every_cell_is_read_back(cells: list[str]) -> None:
    columns = [f"c{number}" for number in range(len(cells))]
    table = write_table(columns, [dict(zip(columns, cells, strict=True))]).decode()
    _, row = csv.reader(io.StringIO(table, newline=""))
    assert [cell.removeprefix("'") for cell in row] == [cell.removeprefix("'") for cell in cells]
