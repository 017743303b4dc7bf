"""Admission in the book: one call is held whole or refused, and a refusal writes nothing.

The order of the questions is fixed: is the caller still who it was, was this call made before, is a slot free, does it
fit into every rate, is there money enough at every level. Pure; `fold` calls it with the rows as earlier items left
them.
"""

from msgspec import structs

from tallygate.genai.book import Budget, Claim, Hold, Key, Level, Rate, Transfer, User, Wallet
from tallygate.genai.items import Admission, Bound, ClaimRequest
from tallygate.genai.lockset import derive_transfer_id
from tallygate.genai.results import AlreadyDone, Held, Refused, Replay, Result, Running, Stale
from tallygate.ledger.accounts import name_revenue, name_wallet
from tallygate.ledger.draft import Draft
from tallygate.ledger.money import count_affordable, is_amount, round_up
from tallygate.ledger.rates import check_rates, count_tokens, fill, leak
from tallygate.ledger.windows import find_window_end_ns, roll

OUTPUT_TOKENS_MIN = 256
"""The book lowers no output cap below this: an answer cut shorter is of little use to anybody."""


def admit(draft: Draft, item: Admission, now_ns: int) -> Result:
    """Held, or Stale, Running, Replay, AlreadyDone, or Refused for key, claim, slots, rate, balance, budget, amount."""
    earlier = draft.holds.get(item.hold_id)
    if earlier is not None:
        return Held(earlier) if earlier.state == "open" and earlier.epoch == item.epoch else AlreadyDone(earlier)
    key = draft.keys.get(item.key_id)
    user = draft.users.get(item.user_id)
    wallet = draft.wallets.get(item.workspace_id)
    if key is None or user is None or not _is_live(draft, item, key, user, now_ns):
        return Refused(reason="key")
    if key.version != item.key_version:
        return Stale()
    if item.claim is not None:
        answered = _answer_claim(draft, item.claim, now_ns)
        if answered is not None:
            return answered
    level, slots_max = _find_slots(item, key, user)
    if user.slots_used >= slots_max:
        return Refused(reason="slots", level=level, slots_max=slots_max)
    rates = [leak(rate, now_ns) for rate in draft.rates_of(item.workspace_id, item.user_id, item.key_id)]
    if rates and (refused := check_rates(rates, count_tokens(item.bound, item.bound.output_tokens_max))):
        return refused
    if wallet is None:
        return Refused(reason="unknown")
    return _reserve(draft, item, key, user, wallet, rates, now_ns)


def _is_live(draft: Draft, item: Admission, key: Key, user: User, now_ns: int) -> bool:
    """Whether key, user and workspace stand, and are each other's."""
    workspace = draft.workspaces.get(item.workspace_id)
    return (
        workspace is not None
        and workspace.status == user.status == key.status == "active"
        and (key.expires_at_ns is None or now_ns < key.expires_at_ns)
        and key.user_id == user.id
        and key.workspace_id == user.workspace_id == workspace.id
    )


def _answer_claim(draft: Draft, asked: ClaimRequest, now_ns: int) -> Result | None:
    """What an earlier call with this Idempotency-Key means for this one; None if there is none, or none any more."""
    claim = draft.claims.get(asked.id)
    if claim is None or (claim.ends_at_ns is not None and claim.ends_at_ns <= now_ns):
        return None
    if claim.request_digest != asked.request_digest:
        return Refused(reason="claim")
    if claim.ends_at_ns is None:
        return Running(claim.hold_id)
    return Replay(claim.hold_id, claim.answer)


def _find_slots(item: Admission, key: Key, user: User) -> tuple[Level, int]:
    """How many calls of the user may be open for this key to open one more, and whose limit that is."""
    slots_max = item.slots_max if user.slots_max is None else user.slots_max
    return ("user", slots_max) if key.slots_max is None or key.slots_max >= slots_max else ("key", key.slots_max)


def _reserve(
    draft: Draft, item: Admission, key: Key, user: User, wallet: Wallet, rates: list[Rate], now_ns: int
) -> Result:
    bound = item.bound
    if not (is_amount(bound.fixed_nusd) and is_amount(bound.output_price_pusd) and is_amount(bound.output_tokens_max)):
        return Refused(reason="amount")
    budgets = [roll(budget, now_ns) for budget in draft.budgets_of(item.workspace_id, item.user_id, item.key_id)]
    room_nusd, tightest = _find_room(wallet, budgets)
    cap = _choose_cap(bound, room_nusd, shortens=key.shortens)
    if cap is None:
        return _refuse(bound, room_nusd, tightest)
    hold = Hold(
        id=item.hold_id,
        workspace_id=item.workspace_id,
        user_id=item.user_id,
        key_id=item.key_id,
        epoch=item.epoch,
        model=item.model,
        price_version=item.price_version,
        amount_nusd=_price(bound, cap),
        output_tokens_max=cap,
        opened_at_ns=now_ns,
        budget_ids=tuple([budget.id for budget in budgets]),
        claim_id="" if item.claim is None else item.claim.id,
        rate_ids=tuple([rate.id for rate in rates]),
        rate_tokens=count_tokens(bound, cap) if any(rate.kind == "tokens" for rate in rates) else 0,
    )
    _write(draft, item, hold, user, wallet, budgets)
    return Held(hold, _fill_rates(draft, rates, hold.rate_tokens))


def _fill_rates(draft: Draft, rates: list[Rate], tokens: int) -> tuple[Rate, ...]:
    filled = tuple([fill(rate, tokens) for rate in rates])
    for rate in filled:
        draft.rates.put(rate.id, rate)
    return filled


def _find_room(wallet: Wallet, budgets: list[Budget]) -> tuple[int, Budget | None]:
    """What wallet and every budget can each still bear, and the budget that says so; None if it is the wallet."""
    room_nusd, tightest = wallet.posted_nusd - wallet.held_nusd, None
    for budget in budgets:
        left_nusd = budget.limit_nusd - budget.spent_nusd - budget.held_nusd
        if left_nusd < room_nusd:
            room_nusd, tightest = left_nusd, budget
    return max(0, room_nusd), tightest


def _price(bound: Bound, output_tokens: int) -> int:
    return bound.fixed_nusd + round_up(bound.output_price_pusd * output_tokens)


def _count_affordable(bound: Bound, room_nusd: int) -> int:
    """The largest output cap the room has place for, at most the one wished for."""
    left_nusd = room_nusd - bound.fixed_nusd
    if left_nusd < 0:
        return 0
    if bound.output_price_pusd == 0:
        return bound.output_tokens_max
    return min(bound.output_tokens_max, count_affordable(left_nusd, bound.output_price_pusd))


def _choose_cap(bound: Bound, room_nusd: int, *, shortens: bool) -> int | None:
    """The cap wished for; else, where that may be lowered, the affordable one; else None."""
    if _price(bound, bound.output_tokens_max) <= room_nusd:
        return bound.output_tokens_max
    if bound.output_tokens_min is None or not shortens:
        return None
    affordable = _count_affordable(bound, room_nusd)
    return affordable if affordable >= max(OUTPUT_TOKENS_MIN, bound.output_tokens_min) else None


def _refuse(bound: Bound, room_nusd: int, tightest: Budget | None) -> Refused:
    needed_nusd, affordable = _price(bound, bound.output_tokens_max), _count_affordable(bound, room_nusd)
    if tightest is None:
        return Refused(
            reason="balance",
            level="workspace",
            needed_nusd=needed_nusd,
            available_nusd=room_nusd,
            output_tokens_affordable=affordable,
        )
    return Refused(
        reason="budget",
        level=tightest.level,
        budget_id=tightest.id,
        needed_nusd=needed_nusd,
        available_nusd=room_nusd,
        output_tokens_affordable=affordable,
        resets_at_ns=find_window_end_ns(tightest.period, tightest.window_start_ns),
    )


def _write(draft: Draft, item: Admission, hold: Hold, user: User, wallet: Wallet, budgets: list[Budget]) -> None:
    amount_nusd = hold.amount_nusd
    draft.users.put(user.id, structs.replace(user, slots_used=user.slots_used + 1))
    draft.wallets.put(wallet.workspace_id, structs.replace(wallet, held_nusd=wallet.held_nusd + amount_nusd))
    for budget in budgets:
        draft.budgets.put(budget.id, structs.replace(budget, held_nusd=budget.held_nusd + amount_nusd))
    if item.claim is not None:
        asked = item.claim
        draft.claims.put(
            asked.id,
            Claim(id=asked.id, request_digest=asked.request_digest, hold_id=hold.id, keep_ns=asked.keep_ns),
        )
    draft.holds.put(hold.id, hold)
    draft.write(
        Transfer(
            id=derive_transfer_id(hold.id, "hold"),
            kind="hold",
            debit=name_wallet(hold.workspace_id),
            credit=name_revenue(hold.model),
            amount_nusd=amount_nusd,
            at_ns=hold.opened_at_ns,
            hold_id=hold.id,
        )
    )
