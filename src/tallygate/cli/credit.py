"""Add credit, give it back, and show what there is.

Every movement of money bears an id and happens once, however often it is asked for. The rules are in `ledger`, this
file parses and prints.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from tallygate.cli.terminal.amount import parse_amount
from tallygate.cli.terminal.failure import Failure
from tallygate.cli.terminal.moment import show_moment, stamp
from tallygate.cli.terminal.options import AsJson, ConfigFile, DataFolder
from tallygate.cli.terminal.session import open_database, open_writer
from tallygate.cli.terminal.table import print_json, print_table
from tallygate.genai.book import Transfer
from tallygate.ledger import operations
from tallygate.ledger.money import print_usd
from tallygate.ledger.operations import Movement
from tallygate.store.credit import Balance
from tallygate.store.database import Database
from tallygate.store.writer import Writer

app = typer.Typer(no_args_is_help=True, add_completion=False)

Usd = Annotated[str, typer.Option("--usd", metavar="USD", help='The amount, as "10.00".', show_default=False)]
MovementId = Annotated[
    str,
    typer.Option("--id", metavar="ID", help="A name for this movement: with it, it happens once.", show_default=False),
]


@app.command()
def add(
    workspace: Annotated[str, typer.Option("--workspace", metavar="W", help="Name or id of the workspace.")],
    usd: Usd,
    movement_id: MovementId,
    promo: Annotated[bool, typer.Option("--promo", help="Credit given away, not paid for.")] = False,
    config: ConfigFile = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Put credit into a workspace's wallet.

    The same command again changes nothing; the same id with another amount is refused.
    """
    amount_nusd = parse_amount(usd)

    def move(writer: Writer, database: Database) -> Awaitable[Movement]:
        return operations.add_credit(
            writer,
            database,
            workspace=workspace,
            amount_nusd=amount_nusd,
            movement_id=movement_id,
            actor="cli",
            source="promo" if promo else "payments",
        )

    _report(_move(config, data, move), "Added {amount} USD to {workspace}.", as_json=as_json)


@app.command()
def refund(
    usd: Usd,
    movement_id: MovementId,
    workspace: Annotated[
        str | None, typer.Option("--workspace", metavar="W", help="Pay unspent credit of this workspace out.")
    ] = None,
    call: Annotated[
        str | None, typer.Option("--call", metavar="CALL", help="Put a call's charge back into its wallet.")
    ] = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Give unspent credit back, or what a call was charged.

    The one goes to its payer, the other to its wallet.

    With --workspace it leaves the wallet, at most what is neither spent nor held. With --call it comes back into the
    wallet, at most what the call was charged; CALL is the id of the call and of its receipt.
    """
    if (workspace is None) == (call is None):
        raise Failure("Say what is given back: --workspace W for unspent credit, or --call CALL for a charge.", 2)
    amount_nusd = parse_amount(usd)

    def move(writer: Writer, database: Database) -> Awaitable[Movement]:
        if call is not None:
            return operations.refund_call(
                writer, database, call_id=call, amount_nusd=amount_nusd, movement_id=movement_id, actor="cli"
            )
        return operations.pay_out(
            writer, database, workspace=workspace or "", amount_nusd=amount_nusd, movement_id=movement_id, actor="cli"
        )

    said = "Paid {amount} USD out of {workspace}." if call is None else "Put {amount} USD back into {workspace}."
    _report(_move(config, data, move), said, as_json=as_json)


@app.command()
def show(
    workspace: Annotated[
        str | None, typer.Option("--workspace", metavar="W", help="Only this workspace, with its last movements.")
    ] = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show what each workspace has, holds for calls and can spend."""
    with open_database(config, data, untouched=True) as (database, _):
        balances = operations.list_balances(database, workspace)
        movements = [] if workspace is None else operations.list_movements(database, balances[0].workspace_id)
    if as_json and workspace is not None:
        moved = [_transfer_to_json(transfer) for transfer in movements]
        print_json({**_balance_to_json(balances[0]), "movements": moved})
    elif as_json:
        print_json([_balance_to_json(balance) for balance in balances])
    elif balances:
        _print_balances(balances, movements)
    else:
        typer.echo("There is no workspace yet. Make one: tallygate workspaces create NAME", err=True)


def _move(config: Path | None, data: Path | None, move: Callable[[Writer, Database], Awaitable[Movement]]) -> Movement:
    """Let the book's writer do it."""
    with open_database(config, data) as (database, settings):

        async def run() -> Movement:
            async with open_writer(settings) as writer:
                return await move(writer, database)

        return asyncio.run(run())


def _report(movement: Movement, sentence: str, *, as_json: bool) -> None:
    transfer, balance = movement.transfer, movement.balance
    if as_json:
        moved = {**_transfer_to_json(transfer), "repeated": movement.repeated}
        print_json({**moved, "balance": _balance_to_json(balance)})
        return
    typer.echo(sentence.format(amount=print_usd(transfer.amount_nusd), workspace=balance.workspace))
    if movement.repeated:
        typer.echo(
            f"Repeated: that was done on {show_moment(transfer.at_ns)} under this id, and nothing was moved now."
        )
    typer.echo(
        f"{balance.workspace} has {print_usd(balance.posted_nusd)} USD, "
        f"of which {print_usd(balance.posted_nusd - balance.held_nusd)} USD can be spent."
    )


def _print_balances(balances: list[Balance], movements: list[Transfer]) -> None:
    rows = [
        (
            balance.workspace,
            print_usd(balance.posted_nusd),
            print_usd(balance.held_nusd),
            print_usd(balance.posted_nusd - balance.held_nusd),
            show_moment(balance.topped_up_at_ns, "never"),
        )
        for balance in balances
    ]
    print_table(["workspace", "posted (USD)", "held", "available", "last top-up"], rows)
    if movements:
        typer.echo("")
        signs = {"topup": "", "payout": "-"}
        moved = [
            (
                show_moment(transfer.at_ns),
                transfer.kind,
                signs[transfer.kind] + print_usd(transfer.amount_nusd),
                transfer.debit if transfer.kind == "topup" else transfer.credit,
                _origin(transfer),
            )
            for transfer in movements
        ]
        print_table(["moved", "kind", "USD", "source", "id"], moved)


def _origin(transfer: Transfer) -> str:
    """The id that was given."""
    return transfer.id.removesuffix(f"/{transfer.kind}")


def _balance_to_json(balance: Balance) -> dict[str, Any]:
    return {
        "workspace_id": balance.workspace_id,
        "workspace": balance.workspace,
        "posted_usd": print_usd(balance.posted_nusd),
        "held_usd": print_usd(balance.held_nusd),
        "available_usd": print_usd(balance.posted_nusd - balance.held_nusd),
        "topped_up_at": stamp(balance.topped_up_at_ns),
    }


def _transfer_to_json(transfer: Transfer) -> dict[str, Any]:
    return {
        "id": _origin(transfer),
        "kind": transfer.kind,
        "amount_usd": print_usd(transfer.amount_nusd),
        "debit": transfer.debit,
        "credit": transfer.credit,
        "at": stamp(transfer.at_ns),
    }
