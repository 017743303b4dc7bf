"""Rows of the book as tuples of columns and as values, for both engines: their SQL names the same columns in the same
order as the functions here. Nothing is decided and no SQL is spelled here.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from tallygate.genai.book import Answer, Budget, Claim, Hold, Key, Rate, Transfer, User, Wallet, Workspace

Columns = Sequence[Any]
Row = TypeVar("Row")

_texts = msgspec.json.Decoder(tuple[str, ...])


def part(changed: Mapping[str, Row], loaded: Mapping[str, Row]) -> tuple[list[Row], list[Row]]:
    """Rows that are new, and rows that were there."""
    new = [row for row_id, row in changed.items() if row_id not in loaded]
    return new, [row for row_id, row in changed.items() if row_id in loaded]


def unpack_workspace(row: Columns) -> Workspace:
    """id, status."""
    return Workspace(*row)


def unpack_user(row: Columns) -> User:
    """id, workspace_id, status, slots_used, slots_max."""
    return User(*row)


def unpack_key(row: Columns) -> Key:
    """id, workspace_id, user_id, status, version, expires_at_ns, slots_max, shortens."""
    return Key(
        id=row[0],
        workspace_id=row[1],
        user_id=row[2],
        status=row[3],
        version=row[4],
        expires_at_ns=row[5],
        slots_max=row[6],
        shortens=row[7] == 1,
    )


def unpack_wallet(row: Columns) -> Wallet:
    """workspace_id, posted_nusd, held_nusd, next_sequence."""
    return Wallet(*row)


def unpack_budget(row: Columns) -> Budget:
    """id, level, owner_id, period, limit_nusd, window_start_ns, spent_nusd, held_nusd."""
    return Budget(
        id=row[0],
        level=row[1],
        owner_id=row[2],
        period=row[3],
        limit_nusd=row[4],
        window_start_ns=row[5],
        spent_nusd=row[6],
        held_nusd=row[7],
    )


def unpack_rate(row: Columns) -> Rate:
    """id, level, owner_id, kind, per_minute, filled_micro, seen_at_ns, held_tokens."""
    return Rate(
        id=row[0],
        level=row[1],
        owner_id=row[2],
        kind=row[3],
        per_minute=row[4],
        filled_micro=row[5],
        seen_at_ns=row[6],
        held_tokens=row[7],
    )


def unpack_claim(row: Columns) -> Claim:
    """id, request_digest, hold_id, keep_ns, ends_at_ns, answer_digest, answer_object."""
    return Claim(
        id=row[0],
        request_digest=row[1],
        hold_id=row[2],
        keep_ns=row[3],
        ends_at_ns=row[4],
        answer=None if row[5] is None else Answer(row[5], row[6]),
    )


def unpack_hold(row: Columns) -> Hold:
    """The columns of `pack_hold`."""
    return Hold(
        id=row[0],
        workspace_id=row[1],
        user_id=row[2],
        key_id=row[3],
        epoch=row[4],
        model=row[5],
        price_version=row[6],
        amount_nusd=row[7],
        output_tokens_max=row[8],
        opened_at_ns=row[9],
        budget_ids=() if row[10] == "[]" else _texts.decode(row[10]),
        claim_id=row[11],
        state=row[12],
        ended_at_ns=row[13],
        charged_nusd=row[14],
        loss_nusd=row[15],
        refunded_nusd=row[16],
        sequence=row[17],
        input_tokens=row[18],
        output_tokens=row[19],
        progress_nusd=row[20],
        details=row[21],
        rate_ids=tuple(row[22].split()) if row[22] else (),
        rate_tokens=row[23],
    )


def unpack_transfer(row: Columns) -> Transfer:
    """The columns of `pack_transfer`."""
    return Transfer(
        id=row[0], kind=row[1], debit=row[2], credit=row[3], amount_nusd=row[4], at_ns=row[5], hold_id=row[6]
    )


def pack_user(user: User) -> Columns:
    """What the book changes of a user, then its id."""
    return (user.slots_used, user.id)


def pack_wallet(wallet: Wallet) -> Columns:
    """What the book changes of a wallet, then its id."""
    return (wallet.posted_nusd, wallet.held_nusd, wallet.next_sequence, wallet.workspace_id)


def pack_budget(budget: Budget) -> Columns:
    """What the book changes of a budget, then its id."""
    return (budget.limit_nusd, budget.window_start_ns, budget.spent_nusd, budget.held_nusd, budget.id)


def pack_rate(rate: Rate) -> Columns:
    """What the book changes of a rate, then its id."""
    return (rate.filled_micro, rate.seen_at_ns, rate.held_tokens, rate.id)


def pack_claim(claim: Claim) -> Columns:
    """Every column of a claim, its id last."""
    digest, name = (None, None) if claim.answer is None else (claim.answer.digest, claim.answer.object_name)
    return (claim.request_digest, claim.hold_id, claim.keep_ns, claim.ends_at_ns, digest, name, claim.id)


def pack_hold(hold: Hold) -> Columns:
    """Every column of a hold, in the order of its fields."""
    return (
        hold.id,
        hold.workspace_id,
        hold.user_id,
        hold.key_id,
        hold.epoch,
        hold.model,
        hold.price_version,
        hold.amount_nusd,
        hold.output_tokens_max,
        hold.opened_at_ns,
        msgspec.json.encode(hold.budget_ids).decode() if hold.budget_ids else "[]",
        hold.claim_id,
        hold.state,
        hold.ended_at_ns,
        hold.charged_nusd,
        hold.loss_nusd,
        hold.refunded_nusd,
        hold.sequence,
        hold.input_tokens,
        hold.output_tokens,
        hold.progress_nusd,
        hold.details,
        " ".join(hold.rate_ids),
        hold.rate_tokens,
    )


def pack_hold_change(hold: Hold) -> Columns:
    """What may change of a hold once it is made, then its id."""
    return (
        hold.epoch,
        hold.price_version,
        hold.state,
        hold.ended_at_ns,
        hold.charged_nusd,
        hold.loss_nusd,
        hold.refunded_nusd,
        hold.sequence,
        hold.input_tokens,
        hold.output_tokens,
        hold.progress_nusd,
        hold.details,
        hold.id,
    )


def pack_transfer(transfer: Transfer) -> Columns:
    """Every column of a transfer, in the order of its fields."""
    return (
        transfer.id,
        transfer.kind,
        transfer.debit,
        transfer.credit,
        transfer.amount_nusd,
        transfer.at_ns,
        transfer.hold_id,
    )
