"""A store of the book in memory: it loads only what a batch names, folds, and saves what changed.

It keeps the promises the database keeps: an id is written once, a row is loaded only under its lock. Beside it, a small
town of workspaces, users and keys to try things in.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tallygate.genai.book import Hold, Key, Rows, Transfer, User, Wallet
from tallygate.genai.book import Workspace as WorkspaceRow
from tallygate.genai.items import Admission, Bound, Item, TopUp
from tallygate.genai.lockset import name_rows
from tallygate.genai.results import Folded, Held
from tallygate.ledger.fold import fold

Fold = Callable[[Rows, Sequence[Item], int], Folded]

DAY_NS = 86_400 * 10**9
NOON_NS = 20_000 * DAY_NS + DAY_NS // 2
"""Noon of 2024-10-04, a Friday."""

TABLES = ("workspaces", "users", "keys", "wallets", "budgets", "rates", "claims", "holds")


class Shelf:
    """Rows and transfers, in memory. `fold` is the book that keeps them."""

    def __init__(self, fold: Fold = fold) -> None:
        self.fold = fold
        self.tables: dict[str, dict[str, Any]] = {name: {} for name in TABLES}
        self.transfers: dict[str, Transfer] = {}

    def put(self, *rows: Any) -> None:
        """Write rows as an administrator would."""
        for row in rows:
            table = f"{type(row).__name__.lower()}s"
            self.tables[table][row.workspace_id if isinstance(row, Wallet) else row.id] = row

    def copy(self, fold: Fold) -> "Shelf":
        """The same rows, kept by another book from here on."""
        twin = Shelf(fold)
        twin.tables = {name: dict(rows) for name, rows in self.tables.items()}
        twin.transfers = dict(self.transfers)
        return twin

    def load(self, items: Sequence[Item]) -> Rows:
        """The rows that the items name and that exist, in the order of their locks."""
        names = name_rows(items)
        found = {name: _pick(self.tables[name], getattr(names, name)) for name in TABLES}
        found["budgets"] = self._find_owned("budgets", names.budgets, names.budget_owners)
        found["rates"] = self._find_owned("rates", names.rates, names.rate_owners)
        return Rows(**found, transfers=_pick(self.transfers, names.transfers))

    def _find_owned(self, table: str, ids: Sequence[str], owners: Sequence[str]) -> dict[str, Any]:
        rows = sorted(self.tables[table].values(), key=lambda row: row.id)
        return {row.id: row for row in rows if row.id in ids or row.owner_id in owners}

    def commit(self, items: Sequence[Item], now_ns: int = NOON_NS) -> Folded:
        """One transaction."""
        folded = self.fold(self.load(items), items, now_ns)
        for name in TABLES:
            self.tables[name].update(getattr(folded.changed, name))
        for claim_id in folded.claims_released:
            del self.tables["claims"][claim_id]
        for transfer in folded.transfers:
            assert transfer.id not in self.transfers, f"{transfer.id} was written twice"
            self.transfers[transfer.id] = transfer
        return folded

    def do(self, item: Item, now_ns: int = NOON_NS) -> Any:
        """The result of one item in a transaction of its own."""
        return self.commit([item], now_ns).results[0]

    def hold(self, hold_id: str) -> Hold:
        return self.tables["holds"][hold_id]

    def wallet(self, workspace_id: str = "w1") -> Wallet:
        return self.tables["wallets"][workspace_id]

    def user(self, user_id: str = "u1") -> User:
        return self.tables["users"][user_id]


def build_town(fold: Fold = fold, *, credit_nusd: int = 0) -> Shelf:
    """w1 with u1 (keys k1, k2) and u2 (k3), w2 with u3 (k4)."""
    shelf = Shelf(fold)
    for workspace_id in ("w1", "w2"):
        shelf.put(WorkspaceRow(workspace_id, "active"), Wallet(workspace_id))
    for user_id, workspace_id, key_ids in (("u1", "w1", ("k1", "k2")), ("u2", "w1", ("k3",)), ("u3", "w2", ("k4",))):
        shelf.put(User(user_id, workspace_id, "active"))
        for key_id in key_ids:
            shelf.put(Key(id=key_id, workspace_id=workspace_id, user_id=user_id, status="active", version=1))
    if credit_nusd:
        shelf.do(TopUp("opening", "w1", credit_nusd, "promo"))
    return shelf


OWNERS: Mapping[str, tuple[str, str]] = {
    "k1": ("w1", "u1"),
    "k2": ("w1", "u1"),
    "k3": ("w1", "u2"),
    "k4": ("w2", "u3"),
}
"""Workspace and user of each key of the town."""


def ask(hold_id: str, amount_nusd: int = 100, key_id: str = "k1", **changes: Any) -> Admission:
    """An admission that holds `amount_nusd`."""
    workspace_id, user_id = OWNERS[key_id]
    fields: dict[str, Any] = {
        "hold_id": hold_id,
        "epoch": "e1",
        "workspace_id": workspace_id,
        "user_id": user_id,
        "key_id": key_id,
        "key_version": 1,
        "model": "m",
        "price_version": "p1",
        "bound": Bound(amount_nusd),
    }
    return Admission(**{**fields, **changes})


def hold(shelf: Shelf, hold_id: str, amount_nusd: int = 100, **changes: Any) -> Hold:
    """An open hold."""
    result = shelf.do(ask(hold_id, amount_nusd, **changes))
    assert isinstance(result, Held), result
    return result.hold


def _pick(rows: Mapping[str, Any], ids: Sequence[str]) -> dict[str, Any]:
    return {row_id: rows[row_id] for row_id in ids if row_id in rows}
