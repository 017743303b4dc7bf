"""Create, list, limit and disable users, give them roles.

A user is whose calls they are: keys belong to one. The rules are in `access`, this file parses and prints.
"""

from typing import Annotated

import typer
from msgspec import UNSET

from tallygate.access import admin
from tallygate.access.limits import change_limits, show_limits
from tallygate.access.passwords import give_password
from tallygate.access.roles import ROLES
from tallygate.cli.terminal.amount import parse_budgets, parse_rate, parse_slots
from tallygate.cli.terminal.limits import Budgets, Concurrency, NoBudgets, Rpm, Tpm, limits_to_json, print_limits
from tallygate.cli.terminal.moment import show_moment, stamp
from tallygate.cli.terminal.options import AsJson, ConfigFile, DataFolder
from tallygate.cli.terminal.password import read_password
from tallygate.cli.terminal.session import open_database
from tallygate.cli.terminal.table import print_json, print_table
from tallygate.store.limits import Owner
from tallygate.store.rows import MEMBER, UserRow

app = typer.Typer(no_args_is_help=True, add_completion=False)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the user, or its id.", show_default=False)]
Workspace = Annotated[str, typer.Option("--workspace", metavar="W", help="Name or id of the workspace.")]

_ROLE_HELP = f"What their keys may do at most: {', '.join(ROLES)}."


@app.command()
def create(
    name: Name,
    workspace: Workspace,
    role: Annotated[str, typer.Option("--role", metavar="R", help=_ROLE_HELP)] = MEMBER,
    config: ConfigFile = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Create a user in a workspace."""
    with open_database(config, data) as (database, _):
        user = admin.create_user(database, workspace, name, role=role, actor="cli")
    if as_json:
        print_json(_to_json(user))
    else:
        typer.echo(f"Created user {user.name} ({user.id}), {user.role}, in workspace {user.workspace}.")
        typer.echo(f"Next, make a key: tallygate keys create --workspace {user.workspace} --user {user.name}")


@app.command("list")
def list_all(
    workspace: Annotated[
        str | None, typer.Option("--workspace", metavar="W", help="Only the users of this workspace.")
    ] = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """List users, oldest first."""
    with open_database(config, data, untouched=True) as (database, _):
        users = admin.list_users(database, workspace)
    if as_json:
        print_json([_to_json(user) for user in users])
    elif users:
        rows = [
            (row.workspace, row.name, row.role, row.status, show_moment(row.created_at_ns), row.id) for row in users
        ]
        print_table(["workspace", "name", "role", "status", "created", "id"], rows)
    else:
        typer.echo("There is no user yet. Each new workspace has one: tallygate workspaces create NAME", err=True)


@app.command()
def role(
    name: Name,
    role: Annotated[str, typer.Argument(metavar="ROLE", help=_ROLE_HELP, show_default=False)],
    workspace: Workspace,
    config: ConfigFile = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Give a user another role. From now on it bounds what their keys may do."""
    with open_database(config, data) as (database, _):
        user = admin.change_user(database, workspace, name, role=role, actor="cli")
    if as_json:
        print_json(_to_json(user))
    else:
        typer.echo(f"User {user.name} of {user.workspace} is {user.role} from now on.")


@app.command()
def limits(
    name: Name,
    workspace: Workspace,
    budget: Budgets = None,
    no_budget: NoBudgets = None,
    concurrency: Concurrency = None,
    rpm: Rpm = None,
    tpm: Tpm = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show what a user may spend and ask for, or change it.

    Shown is what holds after the change. It binds the next call with any key of theirs.
    """
    owner = Owner("user", name, workspace)
    budgets_nusd, removed = parse_budgets(budget), no_budget or []
    slots_max = UNSET if concurrency is None else parse_slots(concurrency)
    with open_database(config, data) as (database, _):
        if budgets_nusd or removed or slots_max is not UNSET or rpm or tpm:
            row = change_limits(
                database,
                owner,
                actor="cli",
                budgets_nusd=budgets_nusd,
                removed=removed,
                slots_max=slots_max,
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
def password(
    name: Name,
    workspace: Workspace,
    stdin: Annotated[bool, typer.Option("--stdin", help="Read it from stdin, one line, instead of asking.")] = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Set the password with which a user signs in to the pages.

    It is asked for, never given on the command line. All sessions of the user end.
    """
    given = read_password(from_stdin=stdin)
    with open_database(config, data) as (database, _):
        give_password(database, workspace, name, given, actor="cli")
    typer.echo(f"The password of {name} is set; they sign in under /dashboard.", err=True)


@app.command()
def disable(
    name: Name, workspace: Workspace, config: ConfigFile = None, data: DataFolder = None, as_json: AsJson = False
) -> None:
    """Shut out a user: every key of theirs is refused."""
    with open_database(config, data) as (database, _):
        user = admin.disable_user(database, workspace, name, actor="cli")
    if as_json:
        print_json(_to_json(user))
    else:
        typer.echo(f"User {user.name} of {user.workspace} is disabled; their keys are refused from now on.")


def _to_json(row: UserRow) -> dict[str, str | None]:
    return {
        "id": row.id,
        "workspace_id": row.workspace_id,
        "workspace": row.workspace,
        "name": row.name,
        "role": row.role,
        "status": row.status,
        "created_at": stamp(row.created_at_ns),
        "disabled_at": stamp(row.disabled_at_ns),
    }
