"""A judge of the book that knows only its transfers: every figure of every row is derived anew and compared.

It shares no code with the ledger; where the two agree after every step, the promises M1 to M7, M11, M13 to M15, C9 and
C10 hold.
"""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from msgspec import structs

from tallygate.genai.book import Budget, Hold, Rate, Transfer
from tallygate.genai.items import Admission
from tests.fakes.ledger import Shelf
from tests.laws.rate_model import Bucket

ENDS = ("post", "void")


class Judge:
    """Looks at a shelf after each step. It remembers ended holds, how full budgets were, and what came to each rate."""

    def __init__(self) -> None:
        self.ended: dict[str, Hold] = {}
        self.fullness: dict[str, int] = {}
        self.seen: list[Transfer] = []
        self.buckets: dict[str, Bucket] = {}
        self.counted: dict[str, str] = {}

    def copy(self) -> "Judge":
        """A judge who has seen the same."""
        twin = Judge()
        twin.ended, twin.fullness, twin.seen = dict(self.ended), dict(self.fullness), self.seen
        twin.buckets = {rate_id: bucket.copy() for rate_id, bucket in self.buckets.items()}
        twin.counted = dict(self.counted)
        return twin

    def look(self, shelf: Shelf) -> None:
        """Raises AssertionError where the book is wrong."""
        lines = list(shelf.transfers.values())
        assert lines[: len(self.seen)] == self.seen, "a line of the ledger was changed"
        self.seen = lines
        view = View(shelf)
        self._wallets(shelf, view)
        self._holds(shelf, view)
        self._slots(shelf, view)
        self._budgets(shelf, view)
        self._rates(shelf)
        self._claims(shelf)

    def _wallets(self, shelf: Shelf, view: "View") -> None:
        assert sum(view.posted.values()) == 0
        assert sum(view.pending.values()) == 0
        for workspace_id, wallet in shelf.tables["wallets"].items():
            account = f"wallet:{workspace_id}"
            assert all(type(figure) is int for figure in structs.astuple(wallet)[1:])
            assert wallet.posted_nusd == view.posted[account]
            assert wallet.held_nusd == -view.pending[account]
            assert 0 <= wallet.held_nusd <= wallet.posted_nusd < 2**63
            sequences = [
                row.sequence
                for row in shelf.tables["holds"].values()
                if row.workspace_id == workspace_id and row.state == "posted"
            ]
            assert sorted(sequences) == list(range(1, wallet.next_sequence))

    def _holds(self, shelf: Shelf, view: "View") -> None:
        for row in shelf.tables["holds"].values():
            kinds = view.kinds[row.id]
            ends = [kind for kind in ENDS for _ in range(kinds[kind])]
            assert kinds["hold"] == 1
            assert ends == {"open": [], "posted": ["post"], "voided": ["void"]}[row.state]
            assert view.moved[row.id, "hold"] == row.amount_nusd
            assert view.moved[row.id, "post"] == row.charged_nusd
            assert view.moved[row.id, "loss"] == row.loss_nusd
            assert view.moved[row.id, "refund"] == row.refunded_nusd
            assert 0 <= row.refunded_nusd <= row.charged_nusd <= row.amount_nusd
            if row.state != "open":
                before = self.ended.setdefault(row.id, row)
                assert structs.replace(before, refunded_nusd=row.refunded_nusd) == row, "an ended hold was changed"
        assert set(view.kinds) <= {"", *shelf.tables["holds"]}

    def _slots(self, shelf: Shelf, view: "View") -> None:
        for user in shelf.tables["users"].values():
            assert user.slots_used == view.open_of[user.id]

    def _budgets(self, shelf: Shelf, view: "View") -> None:
        for budget in shelf.tables["budgets"].values():
            spent, held = view.spent(budget, budget.window_start_ns), view.held_in[budget.id]
            assert budget.held_nusd == held
            assert budget.spent_nusd == spent
            # A limit that was lowered stands below what is there already; that may only shrink.
            assert spent + held <= max(budget.limit_nusd, self.fullness.get(budget.id, 0))
            self.fullness[budget.id] = spent + held

    def _rates(self, shelf: Shelf) -> None:
        """Every call that began or ended since the last look comes to the buckets that its hold names, once."""
        for rate in shelf.tables["rates"].values():
            self.buckets.setdefault(rate.id, Bucket(rate)).follow(rate)
        for row in shelf.tables["holds"].values():
            if self.counted.get(row.id) != row.state:
                before, self.counted[row.id] = self.counted.get(row.id), row.state
                for rate_id in row.rate_ids:
                    self.buckets[rate_id].count(row, began=before is None)
        for rate in shelf.tables["rates"].values():
            self.buckets[rate.id].compare(rate)

    def find_rates(self, rows: dict[str, dict[str, Any]], item: Admission) -> list[tuple[Rate, Bucket]]:
        """Every rate of the call's workspace, user and key, and what has come to it."""
        owners = (item.workspace_id, item.user_id, item.key_id)
        found = [rate for rate in rows["rates"].values() if rate.owner_id in owners]
        for rate in found:
            self.buckets.setdefault(rate.id, Bucket(rate)).follow(rate)
        return [(rate, self.buckets[rate.id]) for rate in found]

    def _claims(self, shelf: Shelf) -> None:
        users: dict[str, list[Hold]] = defaultdict(list)
        for row in shelf.tables["holds"].values():
            if row.claim_id:
                users[row.claim_id].append(row)
        for claim_id, rows in users.items():
            for earlier, later in pairwise(rows):
                assert earlier.state != "open", "two calls of one claim run at once"
                assert not earlier.charged_nusd or later.opened_at_ns - (earlier.ended_at_ns or 0) >= KEEP_NS
            claim = shelf.tables["claims"].get(claim_id)
            assert claim is not None or (rows[-1].state != "open" and not rows[-1].charged_nusd)
            assert claim is None or claim.hold_id == rows[-1].id


KEEP_NS = 600 * 10**9


class View:
    """What the transfers of a shelf add up to."""

    def __init__(self, shelf: Shelf) -> None:
        self.posted: Counter[str] = Counter()
        self.pending: Counter[str] = Counter()
        self.kinds: dict[str, Counter[str]] = defaultdict(Counter)
        self.moved: Counter[tuple[str, str]] = Counter()
        self.open_of: Counter[str] = Counter()
        self.held_in: Counter[str] = Counter()
        self._charges: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self._rows = shelf.tables
        open_lines: dict[str, Transfer] = {}
        for line in shelf.transfers.values():
            assert type(line.amount_nusd) is int
            assert 0 <= line.amount_nusd < 2**63
            self.kinds[line.hold_id][line.kind] += 1
            self.moved[line.hold_id, line.kind] += line.amount_nusd
            if line.kind == "hold":
                open_lines[line.hold_id] = line
            else:
                self._move(self.posted, line)
            if line.kind in ENDS:
                assert line.hold_id in open_lines, "a hold ended that was not open"
                del open_lines[line.hold_id]
            if line.kind in ("hold", *ENDS):
                self._charge(line)
        for hold_id, line in open_lines.items():
            row = self._rows["holds"][hold_id]
            self._move(self.pending, line)
            self.open_of[row.user_id] += 1
            for budget_id in row.budget_ids:
                self.held_in[budget_id] += line.amount_nusd

    def _move(self, balances: Counter[str], line: Transfer) -> None:
        balances[line.debit] -= line.amount_nusd
        balances[line.credit] += line.amount_nusd

    def _charge(self, line: Transfer) -> None:
        """Which window a hold or its end falls into: that of its time, but never one before the last."""
        for budget_id in self._rows["holds"][line.hold_id].budget_ids:
            charges = self._charges[budget_id]
            start = find_start_ns(self._rows["budgets"][budget_id].period, line.at_ns)
            last = charges[-1][0] if charges else 0
            charges.append((max(start, last), line.amount_nusd if line.kind == "post" else 0))

    def spent(self, budget: Budget, start_ns: int) -> int:
        return sum(amount for start, amount in self._charges[budget.id] if start == start_ns)

    def rooms(self, item: Admission, now_ns: int) -> list[int]:
        """What the wallet, then each budget that concerns the call, can still bear."""
        account = f"wallet:{item.workspace_id}"
        rooms = [self.posted[account] + self.pending[account]]
        for budget in budgets_of(self._rows, item):
            start_ns = max(budget.window_start_ns, find_start_ns(budget.period, now_ns))
            spent = self.spent(budget, start_ns)
            rooms.append(budget.limit_nusd - spent - self.held_in[budget.id])
        return rooms


def budgets_of(rows: dict[str, dict[str, Any]], item: Admission) -> list[Budget]:
    """Every budget of the call's workspace, user and key."""
    owners = (item.workspace_id, item.user_id, item.key_id)
    return [budget for budget in rows["budgets"].values() if budget.owner_id in owners]


def find_start_ns(period: str, at_ns: int) -> int:
    """The calendar's own answer, in UTC."""
    if period == "total":
        return 0
    moment = datetime.fromtimestamp(at_ns // 10**9, UTC).replace(hour=0, minute=0, second=0)
    if period == "weekly":
        moment -= timedelta(days=moment.weekday())
    if period == "monthly":
        moment = moment.replace(day=1)
    return int(moment.timestamp()) * 10**9
