"""The audit: re-adds the ledger from its first transfer and compares every figure of the book with the sum.

Exact integers, one pass over holds and transfers side by side. What it remembers grows with accounts, users and
budgets, never with calls. It changes nothing, and it shares no arithmetic with the fold that wrote the book.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby

from msgspec import Struct

from tallygate.genai.book import Budget, Hold, Transfer, Wallet
from tallygate.genai.lockset import derive_transfer_id
from tallygate.ledger.accounts import PAYMENTS, PROMO, name_wallet
from tallygate.ledger.finding import Finding, show_amount
from tallygate.ledger.hold_audit import check_amount, check_hold
from tallygate.ledger.money import is_amount
from tallygate.store.ledger import Snapshot

SKEW_NS = 3_600 * 10**9
"""Clocks of several machines differ: what ended this long before a budget's window may be counted in it."""

_WALLET = name_wallet("")


class Counts(Struct):
    """How much was read."""

    wallets: int = 0
    holds: int = 0
    open_holds: int = 0
    transfers: int = 0


class _Window(Struct):
    """What a budget's figures should be. `early_nusd` ended shortly before its window and may be counted in it."""

    budget: Budget
    held_nusd: int = 0
    spent_nusd: int = 0
    early_nusd: int = 0


class Audit:
    """One reading of the book. `run` gives what is wrong as it is met; after that `counts`, `final_nusd` and
    `pending_nusd` (by account) are complete.
    """

    def __init__(self, book: Snapshot) -> None:
        self.counts = Counts()
        self.final_nusd: Counter[str] = Counter()
        self.pending_nusd: Counter[str] = Counter()
        self._book = book
        self._held_nusd: Counter[str] = Counter()
        self._slots: Counter[str] = Counter()
        self._posted: Counter[str] = Counter()
        self._windows: dict[str, _Window] = {}
        self._held_tokens: Counter[str] = Counter()

    def run(self) -> Iterator[Finding]:
        """Every finding, in the order of reading."""
        self._windows = {budget.id: _Window(budget) for budget in self._book.budgets()}
        for transfer in self._book.movements():
            yield from self._add_movement(transfer)
        ended_epochs = self._book.ended_epochs()
        for hold_id, hold, lines in pair(self._book.holds(), self._book.lines()):
            self._add_lines(lines)
            if hold is None:
                yield from (Finding(f"transfer {line.id}", f"its hold {hold_id}", "one", "none") for line in lines)
                continue
            self._add_hold(hold)
            yield from check_hold(hold, lines)
            if hold.state == "open" and hold.epoch in ended_epochs:
                yield Finding(f"hold {hold_id}", "its owner", "alive", f"{hold.epoch}, which has ended")
        yield from self._check_postings()
        yield from self._check_wallets()
        yield from self._check_users()
        yield from self._check_budgets()
        yield from self._check_rates()

    def _add_movement(self, transfer: Transfer) -> Iterator[Finding]:
        """A top-up or a payout. Every other kind would have to name its hold."""
        place = f"transfer {transfer.id}"
        self._add_lines([transfer])
        yield from check_amount(transfer)
        inward = transfer.kind == "topup"
        if not inward and transfer.kind != "payout":
            yield Finding(place, f"the hold of this {transfer.kind}", "named", "not named")
            return
        origin_id = transfer.id.removesuffix(f"/{transfer.kind}")
        if transfer.id != derive_transfer_id(origin_id, transfer.kind):
            yield Finding(place, "id", derive_transfer_id("…", transfer.kind), transfer.id)
        outside, wallet = (transfer.debit, transfer.credit) if inward else (transfer.credit, transfer.debit)
        sources = (PAYMENTS, PROMO) if inward else (PAYMENTS,)
        if outside not in sources:
            yield Finding(place, "its debit" if inward else "its credit", " or ".join(sources), outside)
        if not wallet.startswith(_WALLET):
            yield Finding(place, "its credit" if inward else "its debit", "a wallet", wallet)

    def _add_lines(self, lines: list[Transfer]) -> None:
        """Add lines of one hold, or one without, to the accounts. A hold is pending until its end is among them."""
        self.counts.transfers += len(lines)
        has_ended = any(line.kind in ("post", "void") for line in lines)
        for line in lines:
            if not is_amount(line.amount_nusd) or (line.kind == "hold" and has_ended):
                continue
            sums = self.pending_nusd if line.kind == "hold" else self.final_nusd
            sums[line.debit] -= line.amount_nusd
            sums[line.credit] += line.amount_nusd

    def _add_hold(self, hold: Hold) -> None:
        self.counts.holds += 1
        windows = [self._windows[budget_id] for budget_id in hold.budget_ids if budget_id in self._windows]
        if hold.state == "open":
            self.counts.open_holds += 1
            self._slots[hold.user_id] += 1
            self._held_tokens.update(dict.fromkeys(hold.rate_ids, hold.rate_tokens))
            if is_amount(hold.amount_nusd):
                self._held_nusd[hold.workspace_id] += hold.amount_nusd
                for window in windows:
                    window.held_nusd += hold.amount_nusd
            return
        if hold.ended_at_ns is None or not is_amount(hold.charged_nusd):
            return
        for window in windows:
            start_ns = window.budget.window_start_ns
            if hold.ended_at_ns >= start_ns:
                window.spent_nusd += hold.charged_nusd
            elif hold.ended_at_ns >= start_ns - SKEW_NS:
                window.early_nusd += hold.charged_nusd

    def _check_postings(self) -> Iterator[Finding]:
        """Each wallet's postings are 1, 2, 3 and so on."""
        for workspace_id, sequence in self._book.postings():
            place, due = f"wallet {workspace_id}", self._posted[workspace_id] + 1
            if sequence < due:
                yield Finding(place, f"posting {sequence}", "once", "again")
            elif sequence > due:
                missing = f"posting {due}" if sequence == due + 1 else f"postings {due} to {sequence - 1}"
                yield Finding(place, missing, "one", "none")
            self._posted[workspace_id] = max(sequence, due - 1)

    def _check_wallets(self) -> Iterator[Finding]:
        known: set[str] = set()
        total_nusd = held_nusd = 0
        for wallet in self._book.wallets():
            known.add(name_wallet(wallet.workspace_id))
            self.counts.wallets += 1
            total_nusd += wallet.posted_nusd
            held_nusd += wallet.held_nusd
            yield from self._check_wallet(wallet)
        accounts = {*self.final_nusd, *self.pending_nusd}
        strangers = {account for account in accounts if account.startswith(_WALLET)} - known
        for account in sorted(strangers):
            yield Finding(f"account {account}", "its wallet", "one", "none")
        house_nusd = sum(sum_nusd for account, sum_nusd in self.final_nusd.items() if not account.startswith(_WALLET))
        if total_nusd + house_nusd:
            yield Finding("all accounts", "sum", show_amount(0), show_amount(total_nusd + house_nusd))
        owed_nusd = sum(sum_nusd for account, sum_nusd in self.pending_nusd.items() if account.startswith("revenue:"))
        if owed_nusd != held_nusd:
            yield Finding("all accounts", "pending sum", show_amount(0), show_amount(owed_nusd - held_nusd))

    def _check_wallet(self, wallet: Wallet) -> Iterator[Finding]:
        place, account = f"wallet {wallet.workspace_id}", name_wallet(wallet.workspace_id)
        yield from _compare(place, "posted", self.final_nusd[account], wallet.posted_nusd)
        yield from _compare(place, "held", self._held_nusd[wallet.workspace_id], wallet.held_nusd)
        if not 0 <= wallet.held_nusd <= wallet.posted_nusd:
            found = f"{show_amount(wallet.held_nusd)} of {show_amount(wallet.posted_nusd)}"
            yield Finding(place, "held", "0 at least and posted at most", found)
        due = self._posted[wallet.workspace_id] + 1
        if wallet.next_sequence != due:
            yield Finding(place, "next posting", str(due), str(wallet.next_sequence))

    def _check_users(self) -> Iterator[Finding]:
        for user in self._book.users():
            if user.slots_used != self._slots[user.id]:
                yield Finding(f"user {user.id}", "slots in use", str(self._slots[user.id]), str(user.slots_used))

    def _check_budgets(self) -> Iterator[Finding]:
        for window in self._windows.values():
            budget, place = window.budget, f"budget {window.budget.id}"
            yield from _compare(place, "held", window.held_nusd, budget.held_nusd)
            most_nusd = window.spent_nusd + window.early_nusd
            if not window.spent_nusd <= budget.spent_nusd <= most_nusd:
                least = show_amount(window.spent_nusd)
                expected = f"{least} to {show_amount(most_nusd)}" if window.early_nusd else least
                yield Finding(place, "spent", expected, show_amount(budget.spent_nusd))

    def _check_rates(self) -> Iterator[Finding]:
        """What is in a bucket depends on when it came, which nobody can say later; what is held in it anybody can."""
        for rate in self._book.rates():
            place, held = f"rate {rate.id}", self._held_tokens[rate.id] if rate.kind == "tokens" else 0
            if rate.held_tokens != held:
                yield Finding(place, "held (tokens)", str(held), str(rate.held_tokens))
            if rate.filled_micro < 0:
                yield Finding(place, "what is in it", "0 or more", str(rate.filled_micro))


def pair(holds: Iterator[Hold], lines: Iterator[Transfer]) -> Iterator[tuple[str, Hold | None, list[Transfer]]]:
    """Each hold with its lines; lines whose hold is not there with None. Both come in the order of the hold's id."""
    groups = groupby(lines, key=lambda line: line.hold_id)
    waiting = next(groups, None)
    for hold in holds:
        while waiting is not None and waiting[0] < hold.id:
            yield waiting[0], None, list(waiting[1])
            waiting = next(groups, None)
        if waiting is not None and waiting[0] == hold.id:
            yield hold.id, hold, list(waiting[1])
            waiting = next(groups, None)
        else:
            yield hold.id, hold, []
    while waiting is not None:
        yield waiting[0], None, list(waiting[1])
        waiting = next(groups, None)


def _compare(place: str, figure: str, expected_nusd: int, found_nusd: int) -> Iterator[Finding]:
    if found_nusd != expected_nusd:
        yield Finding(place, figure, show_amount(expected_nusd), show_amount(found_nusd))
