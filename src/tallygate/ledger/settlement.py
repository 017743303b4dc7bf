"""The end of a hold in the book: posted or voided exactly once, by its owner or by whoever took it over.

The wallet pays at most what was held; the rest is the house's loss. Nothing here knows prices: an amount comes from the
price that the hold pins.
"""

from msgspec import structs

from tallygate.genai.book import Answer, Hold, HoldState, Transfer, TransferKind
from tallygate.genai.items import Cost, Progress, Recovery, Settlement, Void
from tallygate.genai.lockset import derive_transfer_id
from tallygate.genai.results import AlreadyDone, Fenced, Noted, Posted, Refused, Result, Voided
from tallygate.ledger.accounts import HOUSE_LOSS, name_cost, name_payable, name_revenue, name_wallet
from tallygate.ledger.draft import Draft
from tallygate.ledger.money import is_amount
from tallygate.ledger.rates import settle_rate
from tallygate.ledger.windows import roll


def settle(draft: Draft, item: Settlement, now_ns: int) -> Result:
    """Posted; or AlreadyDone, Fenced, or Refused for amount or unknown."""
    hold = draft.holds.get(item.hold.id)
    stopped = _stop(hold, item.epoch)
    if hold is None or stopped is not None:
        return stopped or Refused(reason="unknown")
    if not (is_amount(item.amount_nusd) and is_amount(item.loss_nusd)):
        return Refused(reason="amount")
    if not (is_amount(item.input_tokens) and is_amount(item.output_tokens)):
        return Refused(reason="amount")
    hold = structs.replace(
        hold,
        price_version=item.price_version or hold.price_version,
        input_tokens=item.input_tokens,
        output_tokens=item.output_tokens,
        details=item.details,
    )
    paid_nusd = min(item.amount_nusd, hold.amount_nusd)
    loss_nusd = item.amount_nusd - paid_nusd + item.loss_nusd
    if not _are_payable(loss_nusd, item.costs):
        return Refused(reason="amount")
    ended = _end(draft, hold, "posted", now_ns, paid_nusd=paid_nusd, loss_nusd=loss_nusd, answer=item.answer)
    return _write_post(draft, ended, item.costs)


def recover(draft: Draft, item: Recovery, now_ns: int) -> Result:
    """Posted, for a hold whose owner is dead; or AlreadyDone, Fenced, or Refused for amount or unknown.

    The wallet pays the progress that was kept, and nothing for a call with an Idempotency-Key, whose caller will ask
    again. What the call may have come to beyond that is the house's loss.
    """
    hold = draft.holds.get(item.hold.id)
    if hold is None:
        return Refused(reason="unknown")
    if hold.state != "open":
        return AlreadyDone(hold)
    if hold.epoch != item.from_epoch:
        return Fenced(hold)
    if not (is_amount(item.estimate_nusd) and _are_payable(0, item.costs)):
        return Refused(reason="amount")
    paid_nusd = 0 if hold.claim_id else min(hold.progress_nusd, hold.amount_nusd)
    loss_nusd = max(item.estimate_nusd, hold.progress_nusd) - paid_nusd
    ended = _end(draft, hold, "posted", now_ns, paid_nusd=paid_nusd, loss_nusd=loss_nusd, epoch=item.to_epoch)
    return _write_post(draft, ended, item.costs)


def void(draft: Draft, item: Void, now_ns: int) -> Result:
    """Voided; or AlreadyDone, Fenced, or Refused for dispatched or unknown."""
    hold = draft.holds.get(item.hold.id)
    stopped = _stop(hold, item.epoch)
    if hold is None or stopped is not None:
        return stopped or Refused(reason="unknown")
    if hold.progress_nusd or hold.input_tokens or hold.output_tokens:
        return Refused(reason="dispatched")
    ended = _end(draft, hold, "voided", now_ns)
    if ended is None:
        return Refused(reason="unknown")
    _write(draft, ended, "void", name_wallet(ended.workspace_id), name_revenue(ended.model), 0)
    return Voided(ended)


def note(draft: Draft, item: Progress) -> Result:
    """Noted; or AlreadyDone, Fenced, or Refused for amount or unknown. Progress that shrinks is not believed."""
    hold = draft.holds.get(item.hold.id)
    stopped = _stop(hold, item.epoch)
    if hold is None or stopped is not None:
        return stopped or Refused(reason="unknown")
    if not (is_amount(item.amount_nusd) and is_amount(item.input_tokens) and is_amount(item.output_tokens)):
        return Refused(reason="amount")
    noted = structs.replace(
        hold,
        price_version=item.price_version or hold.price_version,
        input_tokens=max(hold.input_tokens, item.input_tokens),
        output_tokens=max(hold.output_tokens, item.output_tokens),
        progress_nusd=max(hold.progress_nusd, item.amount_nusd),
    )
    if noted != hold:
        draft.holds.put(hold.id, noted)
    return Noted(noted)


def _stop(hold: Hold | None, epoch: str) -> Result | None:
    """Why the owner of `epoch` may not touch the hold; None if it may. Ended by another counts as taken over."""
    if hold is None:
        return Refused(reason="unknown")
    if hold.epoch != epoch:
        return Fenced(hold)
    return None if hold.state == "open" else AlreadyDone(hold)


def _are_payable(loss_nusd: int, costs: tuple[Cost, ...]) -> bool:
    return is_amount(loss_nusd) and all(is_amount(cost.amount_nusd) for cost in costs)


def _end(
    draft: Draft,
    hold: Hold,
    state: HoldState,
    now_ns: int,
    *,
    paid_nusd: int = 0,
    loss_nusd: int = 0,
    epoch: str = "",
    answer: Answer | None = None,
) -> Hold | None:
    """Give back the slot and all that was held, take what is paid and used, and end the hold. None, and nothing done,
    if its rows are not there.
    """
    user, wallet = draft.users.get(hold.user_id), draft.wallets.get(hold.workspace_id)
    if user is None or wallet is None:
        return None
    is_posted = state == "posted"
    ended = structs.replace(
        hold,
        state=state,
        ended_at_ns=now_ns,
        charged_nusd=paid_nusd,
        loss_nusd=loss_nusd,
        sequence=wallet.next_sequence if is_posted else 0,
        epoch=epoch or hold.epoch,
    )
    draft.users.put(user.id, structs.replace(user, slots_used=user.slots_used - 1))
    freed = structs.replace(
        wallet,
        posted_nusd=wallet.posted_nusd - paid_nusd,
        held_nusd=wallet.held_nusd - hold.amount_nusd,
        next_sequence=wallet.next_sequence + is_posted,
    )
    draft.wallets.put(wallet.workspace_id, freed)
    _free_budgets(draft, ended, now_ns)
    _free_rates(draft, ended, now_ns)
    if ended.claim_id:
        _end_claim(draft, ended, now_ns, answer)
    draft.holds.put(ended.id, ended)
    return ended


def _free_budgets(draft: Draft, ended: Hold, now_ns: int) -> None:
    """A budget that was deleted meanwhile has nothing to give back."""
    for budget_id in ended.budget_ids:
        budget = draft.budgets.get(budget_id)
        if budget is not None:
            budget = roll(budget, now_ns)
            freed = structs.replace(
                budget,
                spent_nusd=budget.spent_nusd + ended.charged_nusd,
                held_nusd=budget.held_nusd - ended.amount_nusd,
            )
            draft.budgets.put(budget_id, freed)


def _free_rates(draft: Draft, ended: Hold, now_ns: int) -> None:
    """As budgets: what was deleted meanwhile counts nothing any more."""
    for rate_id in ended.rate_ids:
        rate = draft.rates.get(rate_id)
        if rate is not None:
            draft.rates.put(rate_id, settle_rate(rate, ended, now_ns))


def _end_claim(draft: Draft, ended: Hold, now_ns: int, answer: Answer | None) -> None:
    """Keep the Idempotency-Key if there is an answer to give again or a charge not to repeat; else set it free."""
    claim = draft.claims.get(ended.claim_id)
    if claim is None or claim.hold_id != ended.id:
        return
    if answer is None and ended.charged_nusd == 0:
        draft.claims.drop(claim.id)
    else:
        draft.claims.put(claim.id, structs.replace(claim, ends_at_ns=now_ns + claim.keep_ns, answer=answer))


def _write_post(draft: Draft, ended: Hold | None, costs: tuple[Cost, ...]) -> Result:
    if ended is None:
        return Refused(reason="unknown")
    revenue = name_revenue(ended.model)
    post_id = _write(draft, ended, "post", name_wallet(ended.workspace_id), revenue, ended.charged_nusd)
    if ended.loss_nusd:
        _write(draft, ended, "loss", HOUSE_LOSS, revenue, ended.loss_nusd)
    for number, cost in enumerate(costs):
        account, owed = name_cost(cost.provider), name_payable(cost.provider)
        _write(draft, ended, "cost", account, owed, cost.amount_nusd, number)
    return Posted(ended, post_id)


def _write(
    draft: Draft, ended: Hold, kind: TransferKind, debit: str, credit: str, amount_nusd: int, number: int = 0
) -> str:
    transfer_id = derive_transfer_id(ended.id, kind, number)
    transfer = Transfer(
        id=transfer_id,
        kind=kind,
        debit=debit,
        credit=credit,
        amount_nusd=amount_nusd,
        at_ns=ended.ended_at_ns or 0,
        hold_id=ended.id,
    )
    draft.write(transfer)
    return transfer_id
