"""Money that is no call: top-ups, payouts, refunds of a charge, and a budget's limit.

Each bears an id from outside and moves money once. The same id again changes nothing; the same id for something else is
refused.
"""

from msgspec import structs

from tallygate.genai.book import Transfer, TransferKind, Wallet
from tallygate.genai.items import LimitChange, Payout, Refund, TopUp
from tallygate.genai.lockset import derive_transfer_id
from tallygate.genai.results import LimitSet, Moved, Refused, Result
from tallygate.ledger.accounts import PAYMENTS, PROMO, name_revenue, name_wallet
from tallygate.ledger.draft import Draft
from tallygate.ledger.money import AMOUNT_MAX, is_amount


def top_up(draft: Draft, item: TopUp, now_ns: int) -> Result:
    """Moved, or Refused for taken, amount or unknown."""
    source = PROMO if item.source == "promo" else PAYMENTS
    wallet = draft.wallets.get(item.workspace_id)
    transfer = _make(item.id, "topup", source, name_wallet(item.workspace_id), item.amount_nusd, now_ns)
    return _repeat(draft, transfer) or _gain(draft, wallet, transfer) or Moved(transfer)


def pay_out(draft: Draft, item: Payout, now_ns: int) -> Result:
    """Moved, or Refused for taken, amount, unknown, or balance: open holds keep what they hold."""
    wallet = draft.wallets.get(item.workspace_id)
    transfer = _make(item.id, "payout", name_wallet(item.workspace_id), PAYMENTS, item.amount_nusd, now_ns)
    repeated = _repeat(draft, transfer)
    if repeated is not None:
        return repeated
    if wallet is None:
        return Refused(reason="unknown")
    available_nusd = wallet.posted_nusd - wallet.held_nusd
    if item.amount_nusd > available_nusd:
        return Refused(reason="balance", level="workspace", needed_nusd=item.amount_nusd, available_nusd=available_nusd)
    paid = structs.replace(wallet, posted_nusd=wallet.posted_nusd - item.amount_nusd)
    draft.wallets.put(wallet.workspace_id, paid)
    _write(draft, transfer)
    return Moved(transfer)


def refund(draft: Draft, item: Refund, now_ns: int) -> Result:
    """Moved, or Refused for taken, amount, unknown, or charge: all refunds of a call stay within what it paid.

    Budgets get nothing back: they count what was bought, and a refund may come windows later.
    """
    hold = draft.holds.get(item.hold.id)
    if hold is None:
        return Refused(reason="unknown")
    account = name_wallet(hold.workspace_id)
    transfer = _make(item.id, "refund", name_revenue(hold.model), account, item.amount_nusd, now_ns, hold.id)
    repeated = _repeat(draft, transfer)
    if repeated is not None:
        return repeated
    left_nusd = hold.charged_nusd - hold.refunded_nusd
    if item.amount_nusd > left_nusd:
        return Refused(reason="charge", needed_nusd=item.amount_nusd, available_nusd=left_nusd)
    refused = _gain(draft, draft.wallets.get(hold.workspace_id), transfer)
    if refused is not None:
        return refused
    draft.holds.put(hold.id, structs.replace(hold, refunded_nusd=hold.refunded_nusd + item.amount_nusd))
    return Moved(transfer)


def change_limit(draft: Draft, item: LimitChange) -> Result:
    """LimitSet, or Refused for amount or unknown."""
    budget = draft.budgets.get(item.budget_id)
    if budget is None:
        return Refused(reason="unknown")
    if not is_amount(item.limit_nusd):
        return Refused(reason="amount")
    changed = structs.replace(budget, limit_nusd=item.limit_nusd)
    draft.budgets.put(budget.id, changed)
    return LimitSet(changed)


def _make(
    origin_id: str, kind: TransferKind, debit: str, credit: str, amount_nusd: int, now_ns: int, hold_id: str = ""
) -> Transfer:
    return Transfer(
        id=derive_transfer_id(origin_id, kind),
        kind=kind,
        debit=debit,
        credit=credit,
        amount_nusd=amount_nusd,
        at_ns=now_ns,
        hold_id=hold_id,
    )


def _repeat(draft: Draft, transfer: Transfer) -> Result | None:
    """What is to be said of a transfer before it is looked at: it was made before, it is none; None if it is new."""
    if not is_amount(transfer.amount_nusd) or transfer.amount_nusd == 0:
        return Refused(reason="amount")
    earlier = draft.transfers.get(transfer.id)
    if earlier is None:
        return None
    if structs.replace(earlier, at_ns=transfer.at_ns) != transfer:
        return Refused(reason="taken")
    return Moved(earlier, repeated=True)


def _gain(draft: Draft, wallet: Wallet | None, transfer: Transfer) -> Refused | None:
    """Put the money into the wallet; None if it went in."""
    if wallet is None:
        return Refused(reason="unknown")
    if wallet.posted_nusd + transfer.amount_nusd > AMOUNT_MAX:
        return Refused(reason="amount")
    gained = structs.replace(wallet, posted_nusd=wallet.posted_nusd + transfer.amount_nusd)
    draft.wallets.put(wallet.workspace_id, gained)
    _write(draft, transfer)
    return None


def _write(draft: Draft, transfer: Transfer) -> None:
    draft.transfers.put(transfer.id, transfer)
    draft.write(transfer)
