"""Tables for a person and JSON for a script.

A table that the terminal is too narrow for wraps its wide columns, and below that becomes one block per row. Output
that goes into a pipe or a file is never wrapped.
"""

import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence

import msgspec
import typer

GAP = "  "
_WRAPPED_MIN = 18
"""A column wrapped below this is no longer read but deciphered."""


def print_json(value: object) -> None:
    """A value as indented JSON on stdout."""
    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int | None = None) -> None:
    """Rows under bold headings on stdout. `width` is the terminal's unless given; 0 means no limit."""
    for line in lay_out(columns, rows, terminal_width() if width is None else width):
        typer.echo(line)


def terminal_width() -> int:
    """Columns of the terminal; 0 when stdout is no terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0


def lay_out(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """The lines of a table at most `width` wide (0: no limit), without the columns that are empty in every row."""
    used = [at for at in range(len(columns)) if any(row[at] for row in rows)]
    if not used:
        return []
    heads = [columns[at].upper() for at in used]
    cells = [[row[at] for at in used] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(heads, *cells, strict=True)]
    if width and _total(widths) > width:
        widths = _narrow(widths, width)
        if _total(widths) > width:
            return _stack([columns[at] for at in used], cells)
    lines = [typer.style(_join(heads, widths), bold=True)]
    for row in cells:
        parts = [_wrap(cell, size) for cell, size in zip(row, widths, strict=True)]
        height = max(len(part) for part in parts)
        lines += (_join([part[at] if at < len(part) else "" for part in parts], widths) for at in range(height))
    return lines


def print_facts(facts: Mapping[str, str]) -> None:
    """Names and values under each other on stderr, beside an answer on stdout that a script reads."""
    size = max(map(len, facts))
    for name, value in facts.items():
        if value:
            typer.echo(f"{GAP}{name:<{size}}{GAP}{value}", err=True)


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _narrow(widths: Sequence[int], width: int) -> list[int]:
    """Take the missing space from the widest columns, one after the other, as far as they stay readable."""
    narrowed = list(widths)
    for at in sorted(range(len(narrowed)), key=narrowed.__getitem__, reverse=True):
        missing = _total(narrowed) - width
        if missing <= 0:
            break
        narrowed[at] = max(narrowed[at] - missing, min(narrowed[at], _WRAPPED_MIN))
    return narrowed


def _wrap(cell: str, size: int) -> list[str]:
    return textwrap.wrap(cell, size, break_on_hyphens=False) or [""] if len(cell) > size else [cell]


def _join(cells: Sequence[str], widths: Sequence[int]) -> str:
    return GAP.join(f"{cell:<{size}}" for cell, size in zip(cells, widths, strict=True)).rstrip()


def _stack(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """One block per row: a line for each value that is there."""
    size = max(map(len, columns))
    lines: list[str] = []
    for row in rows:
        lines += [""] if lines else []
        lines += [f"{name:<{size}}{GAP}{cell}" for name, cell in zip(columns, row, strict=True) if cell]
    return lines
