"""The town of the fold's laws in a real database: written as an administrator would, read back as the judge wants it.

It reads every table by itself, column by column, and shares no statement with the store: what the two say of one
database must agree.
"""

import hashlib
from collections.abc import Iterable
from contextlib import closing
from typing import Any

import msgspec

from tallygate.genai.book import Answer, Budget, Claim, Hold, Key, Rate, Transfer, User, Wallet, Workspace
from tallygate.genai.items import TopUp
from tallygate.store.address import DatabaseAddress, Engine
from tallygate.store.driver import DriverConnection
from tests.fakes.ledger import Shelf, build_town

LINES = {"hold": 0, "topup": 0, "payout": 0, "post": 1, "void": 1, "loss": 1, "cost": 1, "refund": 2}
"""Of lines with one time, these come first: a hold before its end, an end before what follows from it."""


PLAIN: dict[str, type[msgspec.Struct]] = {
    "workspaces": Workspace,
    "users": User,
    "wallets": Wallet,
    "budgets": Budget,
    "rates": Rate,
}
"""Tables whose columns are the fields of their rows, as they are."""


class Town:
    """A connection of its own to a migrated database."""

    def __init__(self, address: DatabaseAddress) -> None:
        self._connection = DriverConnection(address)

    def close(self) -> None:
        self._connection.close()

    def begin_epochs(self, *epochs: str) -> None:
        """Lives without a process."""
        for epoch in epochs:
            self._fetch("INSERT INTO epochs (epoch, owner, started_at_ns) VALUES (?, 'law', 1)", epoch)

    def end_epoch(self, epoch: str) -> None:
        """As another process does that takes this one for dead."""
        self._fetch("UPDATE epochs SET ended_at_ns = 2 WHERE epoch = ?", epoch)

    def beats(self) -> int:
        """Heartbeats of all epochs together."""
        return self._fetch("SELECT coalesce(sum(beats), 0) FROM epochs")[0][0]

    def living(self) -> set[str]:
        """Epochs that have not ended."""
        return {epoch for (epoch,) in self._fetch("SELECT epoch FROM epochs WHERE ended_at_ns IS NULL")}

    def put(self, row: Any) -> None:
        """Write one row whole, new or not."""
        match row:
            case Workspace():
                self._put("workspaces", "id", {**as_dict(row), "name": row.id, "created_at_ns": 1})
            case User():
                self._put("users", "id", {**as_dict(row), "name": row.id, "created_at_ns": 1})
            case Key():
                blank = {"name": "", "prefix": "", "last4": "", "key_class": "k", "permissions": "[]"}
                digest = hashlib.sha256(row.id.encode()).digest()
                shortens = {"shortens": int(row.shortens), "digest": digest, "created_at_ns": 1}
                self._put("keys", "id", {**as_dict(row), **blank, **shortens})
            case Wallet():
                self._put("wallets", "workspace_id", as_dict(row))
            case Rate():
                self._put("rates", "id", {**as_dict(row), "workspace_id": self._workspace_of(row.owner_id)})
            case _:
                assert isinstance(row, Budget)
                workspace_id = {"workspace_id": self._workspace_of(row.owner_id), "created_at_ns": 1}
                self._put("budgets", "id", {**as_dict(row), **workspace_id})

    def put_all(self, shelf: Shelf) -> None:
        """What an administrator has made, and every wallet, from a shelf without a call."""
        assert not shelf.tables["holds"]
        self._fetch("BEGIN")
        for table in ("workspaces", "users", "keys", "wallets", "budgets", "rates"):
            for row in shelf.tables[table].values():
                self.put(row)
        for line in shelf.transfers.values():
            self._put("transfers", "", as_dict(line))
        self._fetch("COMMIT")

    def read(self) -> Shelf:
        """Every row of the book, lines in the order of their times. The shelf is for the judge and folds nothing."""
        shelf = Shelf()
        for table, kind in PLAIN.items():
            shelf.put(*(kind(**_by_name(kind, row)) for row in self._rows(table, kind)))
        for *fields, shortens in self._rows("keys", Key):
            shelf.put(Key(**dict(zip(Key.__struct_fields__, [*fields, shortens == 1], strict=True))))
        columns = ("id", "request_digest", "hold_id", "keep_ns", "ends_at_ns", "answer_digest", "answer_object")
        for *fields, digest, name in self._select("claims", columns):
            answer: Any = None if digest is None else Answer(bytes(digest), name)
            shelf.put(Claim(**dict(zip(Claim.__struct_fields__, [*fields, answer], strict=True))))
        holds = [msgspec.convert(_by_name(Hold, row), Hold) for row in self._rows("holds", Hold)]
        shelf.put(*sorted(holds, key=lambda row: row.opened_at_ns))
        lines = [Transfer(**_by_name(Transfer, row)) for row in self._rows("transfers", Transfer)]
        lines.sort(key=lambda line: (line.at_ns, LINES[line.kind], line.id))
        shelf.transfers = {line.id: line for line in lines}
        return shelf

    def clear(self) -> None:
        """Forget everything, lines included, which only whoever owns the database can do."""
        if self._connection.engine is Engine.SQLITE:
            self._fetch("PRAGMA foreign_keys=OFF")
            self._fetch("DROP TRIGGER IF EXISTS transfers_refuse_delete")
        else:
            self._fetch("SET session_replication_role = replica")  # without triggers and foreign keys
            self._fetch("SET synchronous_commit = off")
        told = ("transfers", "holds", "claims", "budgets", "rates", "wallets")
        for table in (*told, "keys", "users", "workspaces", "epochs"):
            self._fetch(f"DELETE FROM {table}")

    def _workspace_of(self, owner_id: str) -> str:
        found = self._fetch(
            "SELECT workspace_id FROM users WHERE id = ? UNION SELECT workspace_id FROM keys WHERE id = ?",
            owner_id,
            owner_id,
        )
        return found[0][0] if found else owner_id

    def _put(self, table: str, key: str, values: dict[str, Any]) -> None:
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        changes = ", ".join(f"{name} = excluded.{name}" for name in values if name != key)
        conflict = f" ON CONFLICT ({key}) DO UPDATE SET {changes}" if key else ""
        self._fetch(f"INSERT INTO {table} ({names}) VALUES ({marks}){conflict}", *values.values())

    def _rows(self, table: str, kind: type[msgspec.Struct]) -> list[tuple[Any, ...]]:
        return self._select(table, kind.__struct_fields__)

    def _select(self, table: str, columns: Iterable[str]) -> list[tuple[Any, ...]]:
        order = "workspace_id" if table == "wallets" else "id"
        return self._fetch(f"SELECT {', '.join(columns)} FROM {table} ORDER BY {order}")

    def _fetch(self, sql: Any, *values: Any) -> list[tuple[Any, ...]]:
        return self._connection.fetch(sql, values)


def found_town(address: DatabaseAddress, *, credit_nusd: int = 0) -> None:
    """The town, in a database that has none; both its wallets have money, or none has."""
    shelf = build_town(credit_nusd=credit_nusd)
    if credit_nusd:
        shelf.do(TopUp("second", "w2", credit_nusd))
    with closing(Town(address)) as town:
        town.put_all(shelf)


def as_dict(row: msgspec.Struct) -> dict[str, Any]:
    """Its fields by name."""
    return {name: getattr(row, name) for name in row.__struct_fields__}


def same_tables(one: Shelf, other: Shelf) -> bool:
    """Whether two shelves hold the same rows and lines, in whatever order."""
    return one.tables == other.tables and one.transfers == other.transfers


def _by_name(kind: type[msgspec.Struct], row: tuple[Any, ...]) -> dict[str, Any]:
    fields = dict(zip(kind.__struct_fields__, row, strict=True))
    if "budget_ids" in fields:
        fields["budget_ids"] = msgspec.json.decode(fields["budget_ids"])
        fields["rate_ids"] = fields["rate_ids"].split()
    return fields
