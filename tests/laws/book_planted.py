"""Books with one defect each, of the kinds that gateways have had.

Each is the real fold with something added, so that the laws, and nothing else, can tell them from it.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import structs

from tallygate.genai.book import RateKind, Rows
from tallygate.genai.items import Admission, Item, Progress, Recovery, Settlement, TopUp, Void
from tallygate.genai.results import AlreadyDone, Folded, Posted, Refused, Voided
from tallygate.ledger.fold import fold
from tests.fakes.ledger import Fold
from tests.fakes.receipts import DRAFT

RICH_NUSD = 10**15
MINUTE_NS = 60 * 10**9


def fold_blindly(rows: Rows, items: Sequence[Item], now_ns: int) -> Folded:
    """Check, then deduct: every item of a batch reads the rows as they were before it."""
    folded = [fold(rows, [item], now_ns) for item in items]
    changed: dict[str, dict[str, Any]] = {name: {} for name in Rows.__struct_fields__}
    for one in folded:
        for name, found in changed.items():
            found.update(getattr(one.changed, name))
    return Folded(
        tuple(result for one in folded for result in one.results),
        Rows(**changed),
        tuple(line for one in folded for line in one.transfers),
        tuple(claim_id for one in folded for claim_id in one.claims_released),
    )


def fold_on_trust(rows: Rows, items: Sequence[Item], now_ns: int) -> Folded:
    """No conditional check: whoever has a little money may spend any amount."""
    rich = {row_id: structs.replace(row, posted_nusd=RICH_NUSD + row.posted_nusd) for row_id, row in _small(rows)}
    folded = fold(structs.replace(rows, wallets={**rows.wallets, **rich}), items, now_ns)
    paid = {
        row_id: structs.replace(row, posted_nusd=row.posted_nusd - RICH_NUSD) if row_id in rich else row
        for row_id, row in folded.changed.wallets.items()
    }
    return _change(folded, wallets=paid)


def release_twice(rows: Rows, items: Sequence[Item], now_ns: int) -> Folded:
    """A second settlement gives back the hold and the slot again."""
    folded = fold(rows, items, now_ns)
    for item, result in zip(items, folded.results, strict=True):
        if isinstance(item, Settlement) and isinstance(result, AlreadyDone):
            folded = _alter_wallet(rows, folded, result.hold.workspace_id, held_nusd=-result.hold.amount_nusd)
    return folded


def forget_who_served(rows: Rows, items: Sequence[Item], now_ns: int) -> Folded:
    """A hold keeps its price, whichever of several names served."""
    kept = [
        structs.replace(item, price_version="") if isinstance(item, Settlement | Progress) else item for item in items
    ]
    return fold(rows, kept, now_ns)


def settle_anew(rows: Rows, items: Sequence[Item], now_ns: int) -> Folded:
    """A settlement does not ask whether the hold has ended."""
    reopened = {row_id: structs.replace(row, state="open") for row_id, row in rows.holds.items()}
    return fold(structs.replace(rows, holds=reopened), items, now_ns)


def count_in_floats(rows: Rows, items: Sequence[Item], now_ns: int) -> Folded:
    """A balance passes through a float on its way to the database."""
    folded = fold(rows, items, now_ns)
    counted = {
        row_id: structs.replace(row, posted_nusd=int(float(row.posted_nusd)))
        for row_id, row in folded.changed.wallets.items()
    }
    return _change(folded, wallets=counted)


def release_by_age(rows: Rows, items: Sequence[Item], now_ns: int) -> Folded:
    """A call that has been open for a while is taken for dead, and its hold given back, though its owner lives."""
    return fold(rows, [_give_up(rows, item, now_ns) for item in items], now_ns)


def refund_on_disconnect(rows: Rows, items: Sequence[Item], now_ns: int) -> Folded:
    """A call that ends without a whole answer is free, however far it had come."""
    cut = [
        structs.replace(item, amount_nusd=0) if isinstance(item, Settlement) and item.answer is None else item
        for item in items
    ]
    return fold(rows, cut, now_ns)


def charge_beyond_the_hold(rows: Rows, items: Sequence[Item], now_ns: int) -> Folded:
    """An overrun is taken from the wallet."""
    folded = fold(rows, items, now_ns)
    for result in folded.results:
        if isinstance(result, Posted):
            folded = _alter_wallet(rows, folded, result.hold.workspace_id, posted_nusd=-result.hold.loss_nusd)
    return folded


def ignore_higher_budgets(rows: Rows, items: Sequence[Item], now_ns: int) -> Folded:
    """Only the key's budget is asked."""
    own = {row_id: row for row_id, row in rows.budgets.items() if row.level == "key"}
    return fold(structs.replace(rows, budgets=own), items, now_ns)


def forget_held_at_midnight(rows: Rows, items: Sequence[Item], now_ns: int) -> Folded:
    """A new window of a budget forgets what running calls hold."""
    folded = fold(rows, items, now_ns)
    forgetful = {
        row_id: structs.replace(row, held_nusd=0)
        if row.window_start_ns > rows.budgets[row_id].window_start_ns > 0
        else row
        for row_id, row in folded.changed.budgets.items()
    }
    return _change(folded, budgets=forgetful)


def keep_the_slot(rows: Rows, items: Sequence[Item], now_ns: int) -> Folded:
    """A void gives back the money and not the slot."""
    folded = fold(rows, items, now_ns)
    voided = {item.hold.user_id for item in items if isinstance(item, Void)}
    kept = {row_id: rows.users[row_id] if row_id in voided else row for row_id, row in folded.changed.users.items()}
    return _change(folded, users=kept)


def believe_stale_keys(rows: Rows, items: Sequence[Item], now_ns: int) -> Folded:
    """Admission trusts the copy of the key that the caller was identified by."""
    trusted = [
        structs.replace(item, key_version=rows.keys[item.key_id].version) if isinstance(item, Admission) else item
        for item in items
    ]
    return fold(rows, trusted, now_ns)


def unfence(rows: Rows, items: Sequence[Item], now_ns: int) -> Folded:
    """Whoever knows a hold may end it."""
    return fold(rows, [_unfence(rows, item) for item in items], now_ns)


def free_paid_claims(rows: Rows, items: Sequence[Item], now_ns: int) -> Folded:
    """An Idempotency-Key whose answer is lost may be used again, and is charged again."""
    folded = fold(rows, items, now_ns)
    lost = tuple(row.id for row in folded.changed.claims.values() if row.ends_at_ns is not None and row.answer is None)
    kept = {row_id: row for row_id, row in folded.changed.claims.items() if row_id not in lost}
    return structs.replace(_change(folded, claims=kept), claims_released=(*folded.claims_released, *lost))


def refund_without_end(rows: Rows, items: Sequence[Item], now_ns: int) -> Folded:
    """Each refund is bounded by the charge, their sum by nothing."""
    unspent = {row_id: structs.replace(row, refunded_nusd=0) for row_id, row in rows.holds.items()}
    return fold(structs.replace(rows, holds=unspent), items, now_ns)


def count_top_ups_twice(rows: Rows, items: Sequence[Item], now_ns: int) -> Folded:
    """A payment's event that comes twice fills the wallet twice."""
    renamed = [
        structs.replace(item, id=f"{item.id}-{len(rows.transfers)}") if isinstance(item, TopUp) else item
        for item in items
    ]
    return fold(rows, renamed, now_ns)


def write_refusals(rows: Rows, items: Sequence[Item], now_ns: int) -> Folded:
    """A refused call takes a slot until somebody tidies up."""
    folded = fold(rows, items, now_ns)
    for item, result in zip(items, folded.results, strict=True):
        if isinstance(item, Admission) and isinstance(result, Refused) and result.reason == "balance":
            user = folded.changed.users.get(item.user_id) or rows.users[item.user_id]
            taken = structs.replace(user, slots_used=user.slots_used + 1)
            folded = _change(folded, users={**folded.changed.users, user.id: taken})
    return folded


def give_back_twice(rows: Rows, items: Sequence[Item], now_ns: int) -> Folded:
    """The tokens that a call did not use flow back when it ends, and once more."""
    folded = fold(rows, items, now_ns)
    for result in folded.results:
        if isinstance(result, Posted):
            unused = result.hold.rate_tokens - result.hold.input_tokens - result.hold.output_tokens
            folded = _alter_rates(folded, result.hold.rate_ids, "tokens", -max(0, unused) * 10**6)
    return folded


def keep_a_voided_request(rows: Rows, items: Sequence[Item], now_ns: int) -> Folded:
    """A call that was never sent counts as a request all the same."""
    folded = fold(rows, items, now_ns)
    voided = [row for row in folded.changed.holds.values() if row.state == "voided"]
    kept = {row_id: rows.rates[row_id] for row in voided for row_id in row.rate_ids if row_id in rows.rates}
    requests = {row_id: row for row_id, row in kept.items() if row.kind == "requests"}
    return _change(folded, rates={**folded.changed.rates, **requests})


def give_back_what_has_leaked(rows: Rows, items: Sequence[Item], now_ns: int) -> Folded:
    """A voided request comes back whole, however much of it has made room for others already."""
    folded = fold(rows, items, now_ns)
    for result in folded.results:
        if isinstance(result, Voided):
            waited_ns = max(0, now_ns - result.hold.opened_at_ns)
            known = [rows.rates[row_id] for row_id in result.hold.rate_ids if row_id in rows.rates]
            leaked = {rate.id: waited_ns * rate.per_minute // 60_000 for rate in known}
            for row_id, micro in leaked.items():
                folded = _alter_rates(folded, (row_id,), "requests", -min(10**6, micro))
    return folded


def count_refused_requests(rows: Rows, items: Sequence[Item], now_ns: int) -> Folded:
    """Who knocks too often keeps the door shut by knocking."""
    folded = fold(rows, items, now_ns)
    for item, result in zip(items, folded.results, strict=True):
        if isinstance(item, Admission) and isinstance(result, Refused) and result.reason == "rate":
            known = {rate.id: rate for rate in result.rates}
            folded = _change(folded, rates={**known, **folded.changed.rates})
            folded = _alter_rates(folded, known, "requests", 10**6)
    return folded


def hold_only_what_comes_out(rows: Rows, items: Sequence[Item], now_ns: int) -> Folded:
    """What goes in is not counted before the call has ended."""
    light = [
        structs.replace(item, bound=structs.replace(item.bound, input_tokens_max=0))
        if isinstance(item, Admission)
        else item
        for item in items
    ]
    return fold(rows, light, now_ns)


def ask_the_key_alone(rows: Rows, items: Sequence[Item], now_ns: int) -> Folded:
    """A user with two keys has its rate twice."""
    own = {row_id: row for row_id, row in rows.rates.items() if row.level == "key"}
    return fold(structs.replace(rows, rates=own), items, now_ns)


def begin_each_minute_anew(rows: Rows, items: Sequence[Item], now_ns: int) -> Folded:
    """Counters of whole minutes: twice the rate passes around the full one."""
    fresh = {
        row_id: structs.replace(row, filled_micro=0) if row.seen_at_ns // MINUTE_NS != now_ns // MINUTE_NS else row
        for row_id, row in rows.rates.items()
    }
    return fold(structs.replace(rows, rates=fresh), items, now_ns)


PLANTED: tuple[Fold, ...] = (
    fold_blindly,
    fold_on_trust,
    release_twice,
    forget_who_served,
    settle_anew,
    count_in_floats,
    release_by_age,
    refund_on_disconnect,
    charge_beyond_the_hold,
    ignore_higher_budgets,
    forget_held_at_midnight,
    keep_the_slot,
    believe_stale_keys,
    unfence,
    free_paid_claims,
    refund_without_end,
    count_top_ups_twice,
    write_refusals,
    give_back_twice,
    keep_a_voided_request,
    give_back_what_has_leaked,
    count_refused_requests,
    hold_only_what_comes_out,
    ask_the_key_alone,
    begin_each_minute_anew,
)


def _small(rows: Rows) -> list[tuple[str, Any]]:
    """Wallets that have something and are not near the end of what is counted."""
    return [(row_id, row) for row_id, row in rows.wallets.items() if 0 < row.posted_nusd < RICH_NUSD]


def _change(folded: Folded, **tables: Any) -> Folded:
    return structs.replace(folded, changed=structs.replace(folded.changed, **tables))


def _alter_wallet(rows: Rows, folded: Folded, workspace_id: str, **by: int) -> Folded:
    wallet = folded.changed.wallets.get(workspace_id) or rows.wallets[workspace_id]
    altered = structs.replace(wallet, **{name: getattr(wallet, name) + amount for name, amount in by.items()})
    return _change(folded, wallets={**folded.changed.wallets, workspace_id: altered})


def _alter_rates(folded: Folded, rate_ids: Iterable[str], kind: RateKind, by_micro: int) -> Folded:
    """What is in the buckets of a kind, as far as they were written, changed by so much."""
    rates = dict(folded.changed.rates)
    for rate_id in rate_ids:
        rate = rates.get(rate_id)
        if rate is not None and rate.kind == kind:
            rates[rate_id] = structs.replace(rate, filled_micro=max(0, rate.filled_micro + by_micro))
    return _change(folded, rates=rates)


def _give_up(rows: Rows, item: Item, now_ns: int) -> Item:
    row = rows.holds.get(item.hold.id) if isinstance(item, Settlement) else None
    if row is None or not isinstance(item, Settlement) or now_ns - row.opened_at_ns < 10 * 10**9:
        return item
    return Recovery(hold=row, from_epoch=row.epoch, to_epoch="sweeper", receipt=DRAFT)


def _unfence(rows: Rows, item: Item) -> Item:
    if isinstance(item, Settlement | Void | Progress) and item.hold.id in rows.holds:
        return structs.replace(item, epoch=rows.holds[item.hold.id].epoch)
    return item
