"""Puts the book of a shelf into a database, row by row, so that what reads the book can be tried without its writer."""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, insert

from tallygate.genai.book import Budget, Key, Rate, User, Workspace
from tallygate.store import book_rows, schema
from tallygate.store.database import Database
from tests.fakes.ledger import Shelf


def put_into(database: Database, shelf: Shelf, epochs: Iterable[str] = ("e1",)) -> None:
    """Write every row of the shelf. The database has none of them yet; `epochs` are those that live."""
    tables = shelf.tables
    with database.writing() as connection:
        _insert(connection, schema.workspaces, [_workspace(row) for row in tables["workspaces"].values()])
        _insert(connection, schema.users, [_user(row) for row in tables["users"].values()])
        _insert(connection, schema.keys, [_key(row) for row in tables["keys"].values()])
        _insert(connection, schema.wallets, [msgspec.structs.asdict(row) for row in tables["wallets"].values()])
        _insert(connection, schema.budgets, [_budget(row) for row in tables["budgets"].values()])
        _insert(connection, schema.rates, [_rate(row) for row in tables["rates"].values()])
        _insert(connection, schema.holds, [_hold(row) for row in tables["holds"].values()])
        _insert(connection, schema.transfers, [msgspec.structs.asdict(row) for row in shelf.transfers.values()])
        _insert(connection, schema.epochs, [{"epoch": epoch, "owner": "test", "started_at_ns": 1} for epoch in epochs])


def _insert(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), rows)


def _workspace(row: Workspace) -> dict[str, Any]:
    return {"id": row.id, "name": row.id, "status": row.status, "created_at_ns": 1}


def _user(row: User) -> dict[str, Any]:
    return {**msgspec.structs.asdict(row), "name": row.id, "created_at_ns": 1}


def _key(row: Key) -> dict[str, Any]:
    values = {**msgspec.structs.asdict(row), "shortens": int(row.shortens), "name": row.id, "created_at_ns": 1}
    texts = {"prefix": "lx-k_", "last4": "abcd", "key_class": "k", "permissions": "[]"}
    return {**values, **texts, "digest": row.id.encode().ljust(32, b"\0")}


def _budget(row: Budget) -> dict[str, Any]:
    return {**msgspec.structs.asdict(row), "workspace_id": _find_workspace(row), "created_at_ns": 1}


def _rate(row: Rate) -> dict[str, Any]:
    return {**msgspec.structs.asdict(row), "workspace_id": _find_workspace(row)}


def _find_workspace(row: Budget | Rate) -> str:
    return {"u1": "w1", "k1": "w1"}.get(row.owner_id, row.owner_id)


def _hold(row: Any) -> dict[str, Any]:
    return dict(zip(row.__struct_fields__, book_rows.pack_hold(row), strict=True))
