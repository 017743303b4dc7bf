"""Money of workspaces: balances, top-ups, payouts, refunds of calls. Each movement bears an id and is done once."""

import asyncio
from typing import Annotated, Any

from msgspec import Meta, Struct

from tallygate.api.admin.desk import Desk, read_page, show_page
from tallygate.api.body import read_body, read_usd
from tallygate.api.door import Reply, Request, envelope_reply
from tallygate.api.query import read_query
from tallygate.api.shown import show_amount, show_moment
from tallygate.genai.book import Source, Transfer
from tallygate.ledger import operations
from tallygate.ledger.operations import Movement
from tallygate.store.credit import Balance
from tallygate.store.database import Database

_Workspace = Annotated[str, Meta(description="the name or id of a workspace, as text")]
_Usd = Annotated[str, Meta(description='an amount in USD as text, such as "10.00"')]
_Id = Annotated[str, Meta(description="an id of your own that makes the movement happen once, as text")]


class TopUpBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Body of ``POST /v1/admin/credit``."""

    workspace: _Workspace
    usd: _Usd
    id: _Id
    source: Annotated[Source, Meta(description="payments or promo")] = "payments"


class PayoutBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Body of ``POST /v1/admin/payouts``."""

    workspace: _Workspace
    usd: _Usd
    id: _Id


class RefundBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Body of ``POST /v1/admin/refunds``."""

    call: Annotated[str, Meta(description="the id of a call, as text")]
    usd: _Usd
    id: _Id


async def list_credit(desk: Desk, request: Request) -> Reply:
    """The wallet of every workspace, oldest first."""
    page, _ = read_page(request)
    balances = await asyncio.to_thread(operations.list_balances, desk.database, None, page)
    return show_page(request, page, balances, lambda balance: balance.workspace_id, _show_balance)


async def show_credit(desk: Desk, request: Request) -> Reply:
    """The wallet of one workspace, with its last top-ups and payouts, newest first. Raises NotFound."""
    read_query(request.query, ())
    balance, movements = await asyncio.to_thread(_find_credit, desk.database, request.slots["id"])
    shown = [_show_transfer(transfer) for transfer in movements]
    return envelope_reply({**_show_balance(balance), "movements": shown}, request)


def _find_credit(database: Database, workspace: str) -> tuple[Balance, list[Transfer]]:
    (balance,) = operations.list_balances(database, workspace)
    return balance, operations.list_movements(database, balance.workspace_id)


async def add_credit(desk: Desk, request: Request) -> Reply:
    """Put money into a wallet. Raises InvalidValue, NotFound, Conflict, StoreUnavailable."""
    asked = read_body(request.body, TopUpBody, desk.json_depth_max)
    movement = await operations.add_credit(
        desk.writer,
        desk.database,
        workspace=asked.workspace,
        amount_nusd=read_usd(asked.usd, "usd"),
        movement_id=asked.id,
        source=asked.source,
        actor=desk.actor,
    )
    return _reply(movement, request)


async def pay_out(desk: Desk, request: Request) -> Reply:
    """Take unspent money out of a wallet. Raises as `add_credit`."""
    asked = read_body(request.body, PayoutBody, desk.json_depth_max)
    movement = await operations.pay_out(
        desk.writer,
        desk.database,
        workspace=asked.workspace,
        amount_nusd=read_usd(asked.usd, "usd"),
        movement_id=asked.id,
        actor=desk.actor,
    )
    return _reply(movement, request)


async def refund_call(desk: Desk, request: Request) -> Reply:
    """Put some or all of a call's charge back. Raises as `add_credit`."""
    asked = read_body(request.body, RefundBody, desk.json_depth_max)
    movement = await operations.refund_call(
        desk.writer,
        desk.database,
        call_id=asked.call,
        amount_nusd=read_usd(asked.usd, "usd"),
        movement_id=asked.id,
        actor=desk.actor,
    )
    return _reply(movement, request)


def _reply(movement: Movement, request: Request) -> Reply:
    """201 for what was moved now, 200 for what had been moved before under the same id."""
    data = {
        "repeated": movement.repeated,
        "transfer": _show_transfer(movement.transfer),
        "balance": _show_balance(movement.balance),
    }
    return envelope_reply(data, request, status=200 if movement.repeated else 201)


def _show_balance(balance: Balance) -> dict[str, Any]:
    return {
        "workspace_id": balance.workspace_id,
        "workspace": balance.workspace,
        **show_amount("posted", balance.posted_nusd),
        **show_amount("held", balance.held_nusd),
        **show_amount("available", balance.posted_nusd - balance.held_nusd),
        "topped_up_at": show_moment(balance.topped_up_at_ns),
    }


def _show_transfer(transfer: Transfer) -> dict[str, Any]:
    return {
        "id": transfer.id,
        "kind": transfer.kind,
        "debit": transfer.debit,
        "credit": transfer.credit,
        **show_amount("amount", transfer.amount_nusd),
        "at": show_moment(transfer.at_ns),
    }
