"""Create, list, limit and disable workspaces.

A workspace is who pays: users and keys belong to one. The rules are in `access`, this file parses and prints.
"""

from typing import Annotated

import typer

from tallygate.access import admin
from tallygate.access.limits import change_limits, show_limits
from tallygate.cli.terminal.amount import parse_budgets, parse_rate
from tallygate.cli.terminal.limits import Budgets, NoBudgets, Rpm, Tpm, limits_to_json, print_limits
from tallygate.cli.terminal.moment import show_moment, stamp
from tallygate.cli.terminal.options import AsJson, ConfigFile, DataFolder
from tallygate.cli.terminal.session import open_database
from tallygate.cli.terminal.table import print_json, print_table
from tallygate.store.limits import Owner
from tallygate.store.rows import WorkspaceRow

app = typer.Typer(no_args_is_help=True, add_completion=False)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the workspace, or its id.", show_default=False)]


@app.command()
def create(name: Name, config: ConfigFile = None, data: DataFolder = None, as_json: AsJson = False) -> None:
    """Create a workspace, with a first user called owner."""
    with open_database(config, data) as (database, _):
        workspace = admin.create_workspace(database, name, actor="cli")
    if as_json:
        print_json(_to_json(workspace))
    else:
        typer.echo(f"Created workspace {workspace.name} ({workspace.id}).")
        typer.echo(f"Next, make a key: tallygate keys create --workspace {workspace.name}")


@app.command("list")
def list_all(config: ConfigFile = None, data: DataFolder = None, as_json: AsJson = False) -> None:
    """List all workspaces, oldest first."""
    with open_database(config, data, untouched=True) as (database, _):
        workspaces = admin.list_workspaces(database)
    if as_json:
        print_json([_to_json(workspace) for workspace in workspaces])
    elif workspaces:
        rows = [(row.name, row.status, show_moment(row.created_at_ns), row.id) for row in workspaces]
        print_table(["name", "status", "created", "id"], rows)
    else:
        typer.echo("There is no workspace yet. Make one: tallygate workspaces create NAME", err=True)


@app.command()
def limits(
    name: Name,
    budget: Budgets = None,
    no_budget: NoBudgets = None,
    rpm: Rpm = None,
    tpm: Tpm = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show what a workspace may spend and ask for, or change it.

    Shown is what holds after the change. It binds the next call of every user and key of it.
    """
    owner = Owner("workspace", name)
    budgets_nusd, removed = parse_budgets(budget), no_budget or []
    with open_database(config, data) as (database, _):
        if budgets_nusd or removed or rpm or tpm:
            row = change_limits(
                database,
                owner,
                actor="cli",
                budgets_nusd=budgets_nusd,
                removed=removed,
                rpm=parse_rate(rpm),
                tpm=parse_rate(tpm),
            )
        else:
            row = show_limits(database, owner)
    if as_json:
        print_json(limits_to_json(row))
    else:
        print_limits(row)


@app.command()
def disable(name: Name, config: ConfigFile = None, data: DataFolder = None, as_json: AsJson = False) -> None:
    """Close a workspace: every key of it is refused."""
    with open_database(config, data) as (database, _):
        workspace = admin.disable_workspace(database, name, actor="cli")
    if as_json:
        print_json(_to_json(workspace))
    else:
        typer.echo(f"Workspace {workspace.name} is disabled; its keys are refused from now on.")


def _to_json(row: WorkspaceRow) -> dict[str, str | None]:
    return {
        "id": row.id,
        "name": row.name,
        "status": row.status,
        "created_at": stamp(row.created_at_ns),
        "disabled_at": stamp(row.disabled_at_ns),
    }
