"""The rows of a batch while it is folded: as loaded, then as each item leaves them for the next.

The only mutable thing in the book, and it does not outlive one fold. It decides nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from tallygate.genai.book import Budget, Claim, Hold, Key, Rate, Rows, Transfer, User, Wallet, Workspace
from tallygate.genai.results import Folded, Result

Row = TypeVar("Row")
Owned = TypeVar("Owned", Budget, Rate)


class Table(Generic[Row]):
    """Rows of one kind by id, and which of them were written."""

    __slots__ = ("_rows", "_touched", "get")

    def __init__(self, rows: Mapping[str, Row]) -> None:
        self._rows = dict(rows)
        self._touched: dict[str, None] = {}
        self.get = self._rows.get

    def put(self, row_id: str, row: Row) -> None:
        """Write a row, new or not."""
        self._rows[row_id] = row
        self._touched[row_id] = None

    def drop(self, row_id: str) -> None:
        """Take a row away."""
        del self._rows[row_id]
        self._touched[row_id] = None

    def changed(self) -> dict[str, Row]:
        """Rows that were written and are there."""
        return {row_id: self._rows[row_id] for row_id in self._touched if row_id in self._rows}

    def dropped(self) -> tuple[str, ...]:
        """Ids of rows that were taken away."""
        return tuple(row_id for row_id in self._touched if row_id not in self._rows)


class Draft:
    """All tables of a batch, and the transfers it has made so far."""

    __slots__ = (
        "_budgets_of",
        "_rates_of",
        "_written",
        "budgets",
        "claims",
        "holds",
        "keys",
        "rates",
        "transfers",
        "users",
        "wallets",
        "workspaces",
    )

    def __init__(self, rows: Rows) -> None:
        self.workspaces: Table[Workspace] = Table(rows.workspaces)
        self.users: Table[User] = Table(rows.users)
        self.keys: Table[Key] = Table(rows.keys)
        self.wallets: Table[Wallet] = Table(rows.wallets)
        self.budgets: Table[Budget] = Table(rows.budgets)
        self.rates: Table[Rate] = Table(rows.rates)
        self.claims: Table[Claim] = Table(rows.claims)
        self.holds: Table[Hold] = Table(rows.holds)
        self.transfers: Table[Transfer] = Table(rows.transfers)
        self._written: list[Transfer] = []
        self._budgets_of = _group(rows.budgets.values())
        self._rates_of = _group(rows.rates.values())

    def budgets_of(self, *owner_ids: str) -> list[Budget]:
        """Every budget of these owners, as it stands now."""
        return _find(self.budgets, self._budgets_of, owner_ids)

    def rates_of(self, *owner_ids: str) -> list[Rate]:
        """Every rate of these owners, as it stands now."""
        return _find(self.rates, self._rates_of, owner_ids)

    def write(self, transfer: Transfer) -> None:
        """Add a line to the ledger."""
        self._written.append(transfer)

    def close(self, results: list[Result]) -> Folded:
        """What the batch came to."""
        changed = Rows(
            users=self.users.changed(),
            wallets=self.wallets.changed(),
            budgets=self.budgets.changed(),
            rates=self.rates.changed(),
            claims=self.claims.changed(),
            holds=self.holds.changed(),
        )
        return Folded(tuple(results), changed, tuple(self._written), self.claims.dropped())


def _group(rows: Iterable[Budget | Rate]) -> dict[str, list[str]]:
    """Ids of rows by their owner."""
    groups: dict[str, list[str]] = {}
    for row in rows:
        groups.setdefault(row.owner_id, []).append(row.id)
    return groups


def _find(table: Table[Owned], groups: Mapping[str, Sequence[str]], owner_ids: Sequence[str]) -> list[Owned]:
    if not groups:
        return []
    found = (table.get(row_id) for owner_id in owner_ids for row_id in groups.get(owner_id, ()))
    return [row for row in found if row is not None]
