"""Find the numbers that are missing among receipts.

Of bundles in files, which needs no server, or of all accounts in the database. What is read is believed; whether a
bundle may be is for `receipts verify` to say.
"""

from collections import defaultdict
from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec import Struct

from tallygate.cli import FAILED, USAGE
from tallygate.cli.terminal.bundles import Found, read_bundles
from tallygate.cli.terminal.counting import Range, count, find_gaps, show_ranges
from tallygate.cli.terminal.failure import Failure
from tallygate.cli.terminal.options import AsJson, ConfigFile, DataFolder
from tallygate.cli.terminal.reading import locate_database, open_reading
from tallygate.cli.terminal.table import print_json, print_table
from tallygate.cli.terminal.verdicts import escape
from tallygate.receipts.bundle import BadBundle, read_bundle
from tallygate.receipts.receipt import Receipt
from tallygate.store.log_audit import snapshot
from tallygate.store.receipt_gaps import Numbers, list_inner_gaps, list_numbers

app = typer.Typer(add_completion=False)


class Row(Struct, frozen=True):
    """One account: how many receipts, from which number to which, which are missing, and which stand for two calls."""

    account: str
    log: str
    receipts: int
    first: int
    last: int
    missing: list[Range]
    twice: list[int]

    @property
    def is_whole(self) -> bool:
        """Whether each number is there once."""
        return not self.missing and not self.twice


@app.command()
def gaps(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE", help="Bundles; without any, the database is asked.")
    ] = None,
    after_seq: Annotated[
        int, typer.Option("--after-seq", metavar="N", min=0, help="Bundles up to this number are not expected.")
    ] = 0,
    config: ConfigFile = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Find the numbers that are missing among receipts.

    Every account's receipts are numbered 1, 2, 3 and so on. Exits with 1 if a number is missing, or stands for two
    calls.
    """
    if after_seq and not files:
        raise Failure("--after-seq is about bundles: give the files.", USAGE)
    rows = read_files(files, after_seq) if files else read_database(config, data)
    if as_json:
        print_json([_to_json(row) for row in rows])
    else:
        _print(rows)
    if not all(row.is_whole for row in rows):
        raise typer.Exit(FAILED)


def read_files(files: list[Path], after_seq: int) -> list[Row]:
    """The accounts in bundles, by log and pseudonym. Raises Failure for a file that is no bundle."""
    seen: defaultdict[tuple[str, str], dict[int, str]] = defaultdict(dict)
    twice: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    for found in read_bundles(files):
        receipt = _read(found)
        if receipt is not None:
            account, number = (receipt.log, receipt.subject.ref), receipt.subject.seq
            if seen[account].setdefault(number, receipt.id) != receipt.id:
                twice[account].add(number)
    return [
        Row(ref, log, len(ids), min(ids), max(ids), find_gaps(sorted(ids), after_seq), sorted(twice[log, ref]))
        for (log, ref), ids in sorted(seen.items())
    ]


def _read(found: Found) -> Receipt | None:
    """The receipt in a bundle; None in one of something else."""
    if found.unread:
        raise Failure(f"{found.name}: {found.unread}", USAGE)
    try:
        entry = read_bundle(found.data).entry
    except BadBundle as error:
        raise Failure(f"{escape(found.name)} is no bundle: {escape(str(error))}.", USAGE) from None
    return entry if isinstance(entry, Receipt) else None


def read_database(config: Path | None, data: Path | None) -> list[Row]:
    """Every account in the database, at one moment."""
    address, _ = locate_database(config, data)
    inner: defaultdict[str, list[Range]] = defaultdict(list)
    with open_reading(address) as connection, snapshot(connection):
        for workspace_id, first, last in list_inner_gaps(connection):
            inner[workspace_id].append((first, last))
        return [_to_row(numbers, inner[numbers.workspace_id]) for numbers in list_numbers(connection)]


def _to_row(numbers: Numbers, inner: list[Range]) -> Row:
    """With what is missing at both ends. Charges from before there were receipts come first, and have none."""
    begin = numbers.earlier if not numbers.receipts or numbers.earlier < numbers.first else 0
    ends = [numbers.first, numbers.last] if numbers.receipts else []
    outer = find_gaps([*ends[:1]], begin), find_gaps([numbers.charged + 1], numbers.last or begin)
    missing = [*outer[0], *inner, *outer[1]]
    return Row(numbers.name, "", numbers.receipts, numbers.first, numbers.last, missing, [])


def _print(rows: list[Row]) -> None:
    cells = [
        (
            escape(row.account),
            escape(row.log),
            str(row.receipts),
            show_ranges([(row.first, row.last)]) if row.receipts else "",
            show_ranges(row.missing),
            ", ".join(map(str, row.twice)),
        )
        for row in rows
    ]
    print_table(["account", "log", "receipts", "numbers", "missing", "for two calls"], cells)
    missing = sum(last - first + 1 for row in rows for first, last in row.missing)
    twice = sum(len(row.twice) for row in rows)
    parts = [count(missing, "number") + " missing"] if missing else []
    parts += [count(twice, "number") + " for two calls"] if twice else []
    read = count(sum(row.receipts for row in rows), "receipt")
    typer.echo(f"\n{read}: {' and '.join(parts) or 'no gap'}.")


def _to_json(row: Row) -> dict[str, Any]:
    names = ("account", "log", "receipts", "first", "last", "missing", "twice")
    return {name: getattr(row, name) for name in names if getattr(row, name) != ""}
