"""Administrative operations on money, for the command line and the admin API alike: credit goes in and out, and a
call's charge comes back.

What may be done is decided by the fold; here names become ids, and refusals become sentences. Each movement bears an id
from outside and is done once. The transfer is the record of the money. Who asked for it stands in the audit row of the
same id, written right after; a repetition writes it where a crash came in between.
"""

import asyncio
import re
import time

from msgspec import Struct

from tallygate.errors import Conflict, InvalidValue, NotFound, StoreUnavailable, TallygateError
from tallygate.genai.book import Source, Transfer, TransferKind
from tallygate.genai.items import Payout, Refund, TopUp
from tallygate.genai.lockset import derive_transfer_id
from tallygate.genai.results import Moved, Refused
from tallygate.ledger.accounts import name_wallet
from tallygate.ledger.money import print_usd
from tallygate.store import credit as stored_credit
from tallygate.store.audit import Change
from tallygate.store.credit import Balance
from tallygate.store.database import Database
from tallygate.store.pages import EVERYTHING, Page
from tallygate.store.writer import Writer

MOVEMENTS_SHOWN_MAX = 10

_ID = re.compile(r"[!-.0-~]{1,128}", re.ASCII)
"""Printable ASCII without a space or a slash, which ends the id in a transfer's own."""


_KINDS: dict[type, TransferKind] = {TopUp: "topup", Payout: "payout", Refund: "refund"}
_ACTIONS = {TopUp: "credit.add", Payout: "credit.payout", Refund: "credit.refund"}


class Movement(Struct, frozen=True):
    """Money that was moved, and the wallet after it. `repeated`: it was moved before, and nothing changed now."""

    transfer: Transfer
    balance: Balance
    repeated: bool


async def add_credit(
    writer: Writer,
    database: Database,
    *,
    workspace: str,
    amount_nusd: int,
    movement_id: str,
    actor: str,
    source: Source = "payments",
) -> Movement:
    """Put money into a workspace's wallet. Raises InvalidValue, NotFound, Conflict, StoreUnavailable."""
    balance = await _find_balance(database, workspace)
    item = TopUp(_check_id(movement_id), balance.workspace_id, amount_nusd, source)
    return await _move(writer, database, item, balance.workspace_id, Change(actor, time.time_ns()))


async def pay_out(
    writer: Writer, database: Database, *, workspace: str, amount_nusd: int, movement_id: str, actor: str
) -> Movement:
    """Give unspent credit back to who paid it in. What open calls hold stays.

    Raises InvalidValue, NotFound, Conflict, StoreUnavailable.
    """
    balance = await _find_balance(database, workspace)
    item = Payout(_check_id(movement_id), balance.workspace_id, amount_nusd)
    return await _move(writer, database, item, balance.workspace_id, Change(actor, time.time_ns()))


async def refund_call(
    writer: Writer, database: Database, *, call_id: str, amount_nusd: int, movement_id: str, actor: str
) -> Movement:
    """Put some or all of what a call was charged back into its wallet.

    Raises InvalidValue, NotFound, Conflict, StoreUnavailable.
    """
    hold = await asyncio.to_thread(stored_credit.find_hold, database, call_id)
    item = Refund(_check_id(movement_id), hold, amount_nusd)
    return await _move(writer, database, item, hold.workspace_id, Change(actor, time.time_ns()))


def list_balances(database: Database, workspace: str | None = None, page: Page = EVERYTHING) -> list[Balance]:
    """The wallet of one workspace, or of all, oldest first. Raises NotFound, InvalidValue for a bad page."""
    return stored_credit.list_balances(database, workspace, page)


def list_movements(database: Database, workspace_id: str) -> list[Transfer]:
    """The last top-ups and payouts of a workspace, newest first."""
    return stored_credit.list_movements(database, name_wallet(workspace_id), MOVEMENTS_SHOWN_MAX)


async def _find_balance(database: Database, workspace: str) -> Balance:
    (balance,) = await asyncio.to_thread(stored_credit.list_balances, database, workspace)
    return balance


async def _move(
    writer: Writer, database: Database, item: TopUp | Payout | Refund, workspace_id: str, change: Change
) -> Movement:
    try:
        result = await writer.change(item)
    except StoreUnavailable as error:
        raise StoreUnavailable(
            "The gateway's database did not answer in time. Ask again with the same id: the money moves once.",
            retry_after_s=error.retry_after_s,
        ) from error
    if not isinstance(result, Moved):
        assert isinstance(result, Refused), result
        raise await asyncio.to_thread(_explain, database, item, result)
    return await asyncio.to_thread(_note, database, item, result, workspace_id, change)


def _note(
    database: Database, item: TopUp | Payout | Refund, moved: Moved, workspace_id: str, change: Change
) -> Movement:
    """Write down who did it, and look at the wallet."""
    transfer = moved.transfer
    detail = {"amount_nusd": transfer.amount_nusd, "debit": transfer.debit, "credit": transfer.credit}
    stored_credit.note_movement(database, change, _ACTIONS[type(item)], transfer, workspace_id, detail)
    (balance,) = stored_credit.list_balances(database, workspace_id)
    return Movement(transfer, balance, moved.repeated)


def _explain(database: Database, item: TopUp | Payout | Refund, refused: Refused) -> TallygateError:
    match refused.reason:
        case "taken":
            return Conflict(_tell_taken(database, item))
        case "balance":
            return Conflict(
                f"{print_usd(refused.needed_nusd)} USD is more than the {print_usd(refused.available_nusd)} USD that "
                "are neither spent nor held for open calls. Nothing was moved."
            )
        case "charge":
            return Conflict(
                f"{print_usd(refused.needed_nusd)} USD is more than the {print_usd(refused.available_nusd)} USD that "
                "are left of the call's charge. Nothing was moved."
            )
        case "unknown":
            return NotFound("There is no such wallet.")
        case _:
            return InvalidValue("An amount of money to move is above 0, and the wallet must be able to count it.")


def _tell_taken(database: Database, item: TopUp | Payout | Refund) -> str:
    """What the id was used for."""
    earlier = stored_credit.find_transfer(database, derive_transfer_id(item.id, _KINDS[type(item)]))
    sentence = f"The id {item.id!r} was used before for another movement"
    if earlier is None:
        return f"{sentence}. Nothing was moved."
    return (
        f"{sentence}: {print_usd(earlier.amount_nusd)} USD from {earlier.debit} to {earlier.credit}. Nothing was moved."
    )


def _check_id(movement_id: str) -> str:
    if not _ID.fullmatch(movement_id):
        raise InvalidValue("An id has 1 to 128 printable ASCII symbols, no space and no slash.", param="id")
    return movement_id
