"""Show and export the audit log: who changed what.

Every change leaves a row, and an entry in the log of receipts that holds the row to what it said. `tallygate verify`
compares the two.
"""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal

import msgspec
import typer

from tallygate.api.table import write_table
from tallygate.cli.terminal.moment import parse_moment, show_moment, stamp
from tallygate.cli.terminal.options import AsJson, ConfigFile, DataFolder
from tallygate.cli.terminal.session import open_database
from tallygate.cli.terminal.table import print_json, print_table
from tallygate.events import audit
from tallygate.genai.audit_row import AuditRow
from tallygate.store.audit_log import Wanted
from tallygate.store.pages import Page

app = typer.Typer(no_args_is_help=True, add_completion=False)

ROWS_SHOWN_MAX = 1_000

Workspace = Annotated[str | None, typer.Option(metavar="NAME", help="Only changes of this workspace.")]
Actor = Annotated[str | None, typer.Option(metavar="WHO", help="Only what this one did: cli, admin, a user's id.")]
Action = Annotated[str | None, typer.Option(metavar="ACTION", help="Only this action (key.revoke), or kind (key).")]
Since = Annotated[str | None, typer.Option("--from", metavar="TIME", help="From this moment on: 2027-01-31.")]
Until = Annotated[str | None, typer.Option("--to", metavar="TIME", help="Before this moment.")]


@app.command("list")
def list_changes(
    workspace: Workspace = None,
    actor: Actor = None,
    action: Action = None,
    since: Since = None,
    until: Until = None,
    after: Annotated[int, typer.Option(metavar="SEQ", min=0, help="Go on behind this number.")] = 0,
    config: ConfigFile = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """List changes, the oldest first, at most a thousand at once."""
    wanted = _read_wanted(workspace, actor, action, since, until)
    with open_database(config, data, untouched=True) as (database, _):
        rows = audit.read_page(database, wanted, Page(ROWS_SHOWN_MAX + 1, str(after)))
    shown = rows[:ROWS_SHOWN_MAX]
    if as_json:
        print_json([_show(row) for row in shown])
    elif shown:
        cells = [
            (str(row.seq), show_moment(row.at_ns), row.actor, row.action, row.object_id, row.detail) for row in shown
        ]
        print_table(["seq", "at", "actor", "action", "object", "detail"], cells)
    else:
        typer.echo("Nothing of the kind was changed.", err=True)
    if len(rows) > ROWS_SHOWN_MAX:
        typer.echo(f"There is more: --after {shown[-1].seq}, or tallygate audit export", err=True)


@app.command()
def export(
    form: Annotated[Literal["csv", "json", "ndjson"], typer.Option("--format", help="What to write.")] = "csv",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write here instead of stdout.")] = None,
    workspace: Workspace = None,
    actor: Actor = None,
    action: Action = None,
    since: Since = None,
    until: Until = None,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Write all changes to stdout or to a file.

    As a table (csv), as one JSON array, or as a JSON object on each line (ndjson).
    """
    wanted = _read_wanted(workspace, actor, action, since, until)
    with open_database(config, data, untouched=True) as (database, _):
        rows = audit.read_all(database, wanted)
        if out is None:
            _write(typer.get_binary_stream("stdout"), form, rows)
        else:
            with out.open("wb") as file:
                _write(file, form, rows)


def _write(file: BinaryIO, form: str, rows: Iterable[AuditRow]) -> None:
    if form == "csv":
        file.write(write_table(audit.COLUMNS, (audit.show_cells(row, stamp(row.at_ns) or "") for row in rows)))
        return
    opening, between, closing = (b"[", b",\n", b"]\n") if form == "json" else (b"", b"\n", b"\n")
    file.write(opening)
    count = 0
    for count, row in enumerate(rows, start=1):
        file.write((between if count > 1 else b"") + msgspec.json.encode(_show(row)))
    file.write(closing if count or form == "json" else b"")


def _read_wanted(
    workspace: str | None, actor: str | None, action: str | None, since: str | None, until: str | None
) -> Wanted:
    now_ns = time.time_ns()
    return Wanted(
        workspace=workspace,
        actor=actor,
        action=action,
        from_ns=None if since is None else parse_moment(since, now_ns, may_be_past=True),
        to_ns=None if until is None else parse_moment(until, now_ns, may_be_past=True),
    )


def _show(row: AuditRow) -> dict[str, Any]:
    return audit.show_change(row, stamp(row.at_ns) or "")
