"""Write the receipts of a workspace as bundles.

What is in a bundle is known to `receipts.export`; this file writes them to a folder or, as JSON lines, to stdout.
"""

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from msgspec import structs

from tallygate.cli.terminal.counting import count
from tallygate.cli.terminal.failure import Failure
from tallygate.cli.terminal.options import AsJson, ConfigFile, DataFolder
from tallygate.cli.terminal.reading import open_reading
from tallygate.cli.terminal.session import open_database
from tallygate.receipts.bundle import BUNDLE_BYTES_MAX, BadBundle, read_bundle
from tallygate.receipts.canonical import NotCanonical
from tallygate.receipts.export import Counts, Export, Exported
from tallygate.receipts.tiles import DamagedTree
from tallygate.store.address import parse_address
from tallygate.store.tenants import find_workspace

app = typer.Typer(add_completion=False)

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,200}\.json", re.ASCII)


@app.command()
def export(
    workspace: Annotated[str, typer.Option("--workspace", metavar="W", help="Name of the workspace, or its id.")],
    after_seq: Annotated[
        int, typer.Option("--after-seq", metavar="N", min=0, help="Only receipts with a higher number.")
    ] = 0,
    folder: Annotated[
        Path | None, typer.Option("--dir", metavar="FOLDER", help="A file for each bundle. [default: lines on stdout]")
    ] = None,
    openings: Annotated[
        bool, typer.Option("--openings", help="With what opens all fields: for the account's owner alone.")
    ] = False,
    config: ConfigFile = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Write the receipts of a workspace as bundles, and the prices they name.

    What no checkpoint covers yet is left out and counted. A file that holds the same receipt already is left alone.
    """
    with open_database(config, data, untouched=True) as (database, settings), database.reading() as asked:
        workspace_id = find_workspace(asked, workspace).id
    with open_reading(parse_address(settings.database_url, settings.data)) as connection:
        run = Export(connection, workspace_id, after_seq, openings=openings)
        try:
            written = _write_all(run.run(), _print if folder is None else _Folder(folder).write)
        except (DamagedTree, NotCanonical, msgspec.ValidationError) as error:
            raise Failure(f"The log is damaged: {error}.\n`tallygate verify` names each flaw.") from None
    summary = {**structs.asdict(run.counts), "written": written}
    text = msgspec.json.encode(summary).decode() if as_json else _conclude(run.counts, written)
    typer.echo(text, err=folder is None)


class _Folder:
    """Where bundles are written, a file for each. It is made if it is missing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def write(self, exported: Exported) -> bool:
        """Write a bundle, whole or not at all. Returns whether it was not there."""
        if not _NAME.fullmatch(exported.name):
            raise Failure(f"{exported.name!r} is no name for a file: the database was tampered with.")
        path = self._path / exported.name
        if _holds_as_much(path, exported.bundle):
            return False
        draft = path.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(exported.bundle)
        draft.replace(path)
        return True


def _holds_as_much(path: Path, data: bytes) -> bool:
    """Whether a file is a bundle of the same body that opens as much: an older proof is as good as a newer one."""
    try:
        with path.open("rb") as file:
            old = read_bundle(file.read(BUNDLE_BYTES_MAX + 1))
    except (FileNotFoundError, BadBundle):
        return False
    new = read_bundle(data)
    return old.body == new.body and new.openings.keys() <= old.openings.keys()


def _print(exported: Exported) -> bool:
    typer.echo(exported.bundle)
    return True


def _write_all(bundles: Iterable[Exported], write: Callable[[Exported], bool]) -> int:
    return sum(write(exported) for exported in bundles)


def _conclude(counts: Counts, written: int) -> str:
    parts = [f"{count(counts.receipts, 'receipt')} and {count(counts.prices, 'price')}, {written} of these new"]
    if counts.pending:
        parts.append(f"{counts.pending} wait for a checkpoint")
    if counts.erased:
        parts.append(f"{counts.erased} were erased")
    return f"{'; '.join(parts)}. To go on later: --after-seq {counts.through}"
