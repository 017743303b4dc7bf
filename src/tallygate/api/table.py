"""Tables as comma-separated values (RFC 4180), safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_table(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> bytes:
    """A line with the columns' names, then one for each row, in UTF-8. None is an empty cell."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_show_cell(row[column]) for column in columns])
    return text.getvalue().encode()


def _show_cell(value: object) -> object:
    """Names of models and keys are somebody's own, and a spreadsheet would run them if they began like a formula."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value
