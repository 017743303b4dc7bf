"""Write down who there is, what they may and what calls cost.

Balances and calls are not in it: they are money and proofs, which only their own database and log can vouch for. Each
value is a stored one; nothing is computed here.
"""

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from msgspec import Struct

from tallygate import __version__
from tallygate.access import admin
from tallygate.access.limits import show_limits
from tallygate.cli.terminal.failure import Failure
from tallygate.cli.terminal.moment import stamp
from tallygate.cli.terminal.options import ConfigFile, DataFolder
from tallygate.cli.terminal.session import open_database
from tallygate.cli.terminal.table import print_json
from tallygate.ledger import price_admin
from tallygate.ledger.money import print_usd
from tallygate.store.database import Database
from tallygate.store.limits import LimitsRow, Owner

app = typer.Typer(add_completion=False)

FORM = 1
"""The number of this form of the document: it grows when a reader of an older one would be misled."""


@app.command()
def export(
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to write it. [default: standard output]")
    ] = None,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Write down who there is, what they may and what calls cost.

    Workspaces, users, keys, limits and prices. Of a key only what lists show of it: no text and no digest.
    """
    with open_database(config, data, untouched=True) as (database, _):
        document = _gather(database)
    if out is None:
        print_json(document)
        return
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Failure(f"{out} is there already, and is not written over.") from None
    with open(descriptor, "wb") as opened:
        opened.write(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
    typer.echo(f"Written to {out}.")


def _gather(database: Database) -> dict[str, Any]:
    workspaces, users, keys = admin.list_workspaces(database), admin.list_users(database), admin.list_keys(database)
    owners = [
        *(Owner("workspace", row.id) for row in workspaces),
        *(Owner("user", row.id, row.workspace_id) for row in users),
        *(Owner("key", row.id) for row in keys),
    ]
    limits = [shown for owner in owners if (shown := _show_limits(show_limits(database, owner)))]
    prices = [
        {
            "kind": row.kind,
            "name": row.name,
            "effective_from": stamp(row.effective_from_ns),
            "price": msgspec.json.decode(row.terms),
        }
        for row in price_admin.list_rows(database)
    ]
    return {
        "form": FORM,
        "made_at": stamp(time.time_ns()),
        "made_by": f"tallygate {__version__}",
        "workspaces": _show_rows(workspaces),
        "users": _show_rows(users),
        "keys": _show_rows(keys),
        "limits": limits,
        "prices": prices,
    }


def _show_rows(rows: Iterable[Struct]) -> list[dict[str, Any]]:
    """Each row as it is, its moments in RFC 3339."""
    return [
        {
            name.removesuffix("_ns"): stamp(value) if name.endswith("_at_ns") else value
            for name, value in msgspec.structs.asdict(row).items()
        }
        for row in rows
    ]


def _show_limits(row: LimitsRow) -> dict[str, Any]:
    """What was set for an owner; nothing where nothing was."""
    said: dict[str, Any] = {
        "concurrency": row.slots_max,
        "shorten": row.shortens,
        "budgets_usd": {budget.period: print_usd(budget.limit_nusd) for budget in row.budgets},
        "per_minute": {rate.kind: rate.per_minute for rate in row.rates},
    }
    # What everybody has is not worth a line.
    kept = {name: value for name, value in said.items() if value not in (None, {}, True)}
    return {"level": row.level, "id": row.id, **kept} if kept else {}
