"""Create, list, limit, rotate and revoke API keys.

A new key is printed once, alone on stdout, so that a script can take it; everything else goes to stderr. The rules are
in `access`, this file parses and prints.
"""

import time
from collections.abc import Mapping
from typing import Annotated

import typer
from msgspec import UNSET

from tallygate.access import admin
from tallygate.access.keys import ADMIN
from tallygate.access.limits import change_limits, show_limits
from tallygate.access.permissions import DEFAULT_GRANT, PERMISSIONS
from tallygate.cli.terminal.amount import parse_budgets, parse_rate, parse_slots
from tallygate.cli.terminal.limits import (
    Budgets,
    Concurrency,
    NoBudgets,
    Rpm,
    Shorten,
    Tpm,
    limits_to_json,
    print_limits,
)
from tallygate.cli.terminal.moment import parse_moment, show_moment, stamp
from tallygate.cli.terminal.options import AsJson, ConfigFile, DataFolder
from tallygate.cli.terminal.session import load_minter, open_database
from tallygate.cli.terminal.table import print_facts, print_json, print_table
from tallygate.genai.secret import Secret
from tallygate.ledger.money import print_usd
from tallygate.store.limits import Owner
from tallygate.store.rows import FIRST_USER, KeyRecord

app = typer.Typer(no_args_is_help=True, add_completion=False)

Key = Annotated[str, typer.Argument(metavar="KEY", help="Id of the key, or its name.", show_default=False)]
Where = Annotated[str | None, typer.Option("--workspace", metavar="W", help="Where to look for a name.")]

NO_LIMIT = "all"
_NS_PER_S = 1_000_000_000
_PERMISSION_HELP = (
    f"May be given more than once: {', '.join(sorted(PERMISSIONS))}. [default: {', '.join(sorted(DEFAULT_GRANT))}]"
)


Networks = Annotated[
    list[str] | None,
    typer.Option(
        "--network",
        metavar="CIDR",
        help="An address or block it may be used from; may be given more than once. [default: everywhere]",
    ),
]
Expires = Annotated[
    str | None, typer.Option("--expires", metavar="T", help="30d, 12h, or a date as 2027-01-31. [default: never]")
]


@app.command()
def create(
    workspace: Annotated[str, typer.Option("--workspace", metavar="W", help="Name or id of the workspace.")],
    user: Annotated[str, typer.Option("--user", metavar="U", help="Name or id of its user.")] = FIRST_USER,
    name: Annotated[str, typer.Option("--name", metavar="N", help="What lists call the key.")] = "",
    permission: Annotated[list[str] | None, typer.Option("--permission", metavar="P", help=_PERMISSION_HELP)] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model", metavar="M", help="A model the key may call; may be given more than once. [default: all]"
        ),
    ] = None,
    budget: Budgets = None,
    concurrency: Concurrency = None,
    rpm: Rpm = None,
    tpm: Tpm = None,
    shorten: Shorten = None,
    network: Networks = None,
    expires: Expires = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Create an API key and print it, once.

    Only its digest is kept. The key goes to stdout, alone; everything else goes to stderr.
    """
    expires_at_ns = parse_moment(expires, time.time_ns()) if expires is not None else None
    budgets_nusd = parse_budgets(budget)
    slots_max = None if concurrency is None else parse_slots(concurrency)
    with open_database(config, data) as (database, settings):
        created = admin.create_key(
            database,
            load_minter(settings),
            workspace=workspace,
            user=user,
            name=name,
            permissions=permission or None,
            models=model or None,
            networks=network or None,
            expires_at_ns=expires_at_ns,
            budgets_nusd=budgets_nusd,
            slots_max=slots_max,
            shortens=shorten is not False,
            rpm=parse_rate(rpm),
            tpm=parse_rate(tpm),
            actor="cli",
        )
    budgets = ", ".join(f"{print_usd(limit)} USD {period}" for period, limit in budgets_nusd.items())
    _print_new(created.secret, created.record, {"budgets": budgets}, as_json=as_json)


@app.command("create-admin")
def create_admin(
    workspace: Annotated[str, typer.Option("--workspace", metavar="W", help="Name or id of the operator's workspace.")],
    user: Annotated[str, typer.Option("--user", metavar="U", help="Name or id of the operator.")],
    name: Annotated[str, typer.Option("--name", metavar="N", help="What lists call the key.")] = "",
    network: Networks = None,
    expires: Expires = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Create an admin key of an operator and print it, once.

    It opens the admin API and nothing else, as long as its user is an operator.
    """
    expires_at_ns = parse_moment(expires, time.time_ns()) if expires is not None else None
    with open_database(config, data) as (database, settings):
        created = admin.create_admin_key(
            database,
            load_minter(settings),
            workspace=workspace,
            user=user,
            name=name,
            networks=network or None,
            expires_at_ns=expires_at_ns,
            actor="cli",
        )
    _print_new(created.secret, created.record, {}, as_json=as_json)


@app.command("list")
def list_all(
    workspace: Annotated[
        str | None, typer.Option("--workspace", metavar="W", help="Only the keys of this workspace.")
    ] = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """List API keys, oldest first.

    Of each only the beginning and the last four symbols are known.
    """
    with open_database(config, data, untouched=True) as (database, _):
        records = admin.list_keys(database, workspace)
    if as_json:
        print_json([_to_json(record) for record in records])
    elif records:
        now_ns = time.time_ns()
        rows = [
            (
                _show_key(record),
                record.name,
                record.workspace,
                record.user,
                _state(record, now_ns),
                show_moment(record.expires_at_ns),
                "" if record.models is None else _list_models(record),
                record.id,
            )
            for record in records
        ]
        print_table(["key", "name", "workspace", "user", "status", "expires", "models", "id"], rows)
    else:
        typer.echo("There is no key yet. Make one: tallygate keys create --workspace W", err=True)


@app.command()
def limits(
    key: Key,
    workspace: Where = None,
    budget: Budgets = None,
    no_budget: NoBudgets = None,
    concurrency: Concurrency = None,
    rpm: Rpm = None,
    tpm: Tpm = None,
    shorten: Shorten = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show what a key may spend and ask for, or change it.

    Shown is what holds after the change. It binds the next call.
    """
    owner = Owner("key", key, workspace)
    budgets_nusd, removed = parse_budgets(budget), no_budget or []
    slots_max = UNSET if concurrency is None else parse_slots(concurrency)
    shortens = UNSET if shorten is None else shorten
    with open_database(config, data) as (database, _):
        if budgets_nusd or removed or slots_max is not UNSET or shortens is not UNSET or rpm or tpm:
            row = change_limits(
                database,
                owner,
                actor="cli",
                budgets_nusd=budgets_nusd,
                removed=removed,
                slots_max=slots_max,
                shortens=shortens,
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
def rotate(
    key: Key,
    workspace: Where = None,
    overlap: Annotated[
        str, typer.Option("--overlap", metavar="T", help="How long the key as it was still works: 24h, 7d, or 0.")
    ] = "24h",
    config: ConfigFile = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Give an API key another text and print it, once.

    Its id, rights, limits and what is spent of them stay. What the key was works for some time yet.
    """
    now_ns = time.time_ns() // _NS_PER_S * _NS_PER_S
    overlap_s = 0 if overlap == "0" else (parse_moment(overlap, now_ns) - now_ns) // _NS_PER_S
    with open_database(config, data) as (database, settings):
        rotated = admin.rotate_key(
            database, load_minter(settings), key, workspace=workspace, overlap_s=overlap_s, actor="cli"
        )
    until = show_moment(rotated.earlier.expires_at_ns) if overlap_s else "now"
    facts = {"as it was": f"{_show_key(rotated.earlier)}, until {until}", "its id": rotated.earlier.id}
    _print_new(rotated.secret, rotated.record, facts, as_json=as_json)


@app.command()
def revoke(
    key: Key,
    workspace: Where = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Revoke an API key: the next call with it is refused.

    It stays in the list.
    """
    with open_database(config, data) as (database, _):
        record = admin.revoke_key(database, key, actor="cli", workspace=workspace)
    if as_json:
        print_json(_to_json(record))
    else:
        typer.echo(f"Key {_show_key(record)} of {record.workspace} is revoked; it is refused from now on.")


def _print_new(secret: Secret, record: KeyRecord, facts: Mapping[str, str], *, as_json: bool) -> None:
    """The key alone on stdout, what it is beside it."""
    if as_json:
        print_json({"key": secret.reveal(), **_to_json(record)})
        return
    typer.echo(secret.reveal())
    typer.echo("\nKeep it now: it cannot be shown again.", err=True)
    print_facts(
        {
            "id": record.id,
            "name": record.name,
            "workspace": record.workspace,
            "user": record.user,
            "may": ", ".join(record.permissions),
            "models": _list_models(record),
            "networks": "everywhere" if record.networks is None else ", ".join(record.networks),
            "expires": show_moment(record.expires_at_ns, "never"),
            **facts,
        }
    )


def _show_key(record: KeyRecord) -> str:
    return f"{record.prefix}…{record.last4}"


def _state(record: KeyRecord, now_ns: int) -> str:
    """The stored status, or that time has ended it, or that it is what a rotated key was."""
    if record.status != "active":
        return record.status
    if record.expires_at_ns is not None and record.expires_at_ns <= now_ns:
        return "expired"
    return "active" if record.replaced_by is None else "replaced"


def _list_models(record: KeyRecord) -> str:
    return NO_LIMIT if record.models is None else ", ".join(record.models)


def _to_json(record: KeyRecord) -> dict[str, object]:
    return {
        "id": record.id,
        "name": record.name,
        "workspace_id": record.workspace_id,
        "workspace": record.workspace,
        "user_id": record.user_id,
        "user": record.user,
        "prefix": record.prefix,
        "last4": record.last4,
        "status": record.status,
        "permissions": record.permissions,
        "models": record.models,
        "networks": record.networks,
        "class": "admin" if record.key_class == ADMIN else "workspace",
        "replaced_by": record.replaced_by,
        "created_at": stamp(record.created_at_ns),
        "expires_at": stamp(record.expires_at_ns),
        "revoked_at": stamp(record.revoked_at_ns),
    }
