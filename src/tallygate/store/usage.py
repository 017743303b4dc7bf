"""What a caller may ask about its own money: balance, key, calls and their sums. Driver SQL, and nothing but reading.

Every question takes a `Scope`, which is part of each statement's condition: what lies outside it does not exist here.
Amounts are nano-USD, times nanoseconds UTC. Sums run over `ix_holds_workspace_id_opened_at_ns`, so what they cost grows
with the span of time that is asked for.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Literal, LiteralString

from msgspec import Struct, convert

from tallygate.genai.book import Budget, HoldState, Rate
from tallygate.store.address import Engine
from tallygate.store.driver import DriverConnection
from tallygate.store.rows import unpack_texts

Group = Literal["day", "model", "key", "user"]

GROUPS: Final[tuple[Group, ...]] = ("day", "model", "key", "user")
"""What sums can be grouped by, in the order in which they are sorted."""


class Scope(Struct, frozen=True):
    """Whose calls are seen: those of one user of a workspace, or of all its users where `user_id` is None."""

    workspace_id: str
    user_id: str | None = None


class Account(Struct, frozen=True):
    """A wallet, the budgets and the rates of the owners that were named, as they stood at one moment.

    `funded_nusd` is what was paid in and not paid out again, over all time.
    """

    posted_nusd: int
    held_nusd: int
    funded_nusd: int
    budgets: tuple[Budget, ...]
    rates: tuple[Rate, ...] = ()


class KeyFacts(Struct, frozen=True, kw_only=True):
    """A key and its owners. `slots_used` counts the open calls of its user, over all keys."""

    id: str
    name: str
    prefix: str
    last4: str
    status: str
    workspace_id: str
    workspace: str
    user_id: str
    user: str
    permissions: tuple[str, ...]
    models: tuple[str, ...] | None
    created_at_ns: int
    expires_at_ns: int | None
    slots_max: int | None
    user_slots_max: int | None
    slots_used: int
    shortens: bool


class CallFacts(Struct, frozen=True, kw_only=True):
    """One call, as its hold tells it. `sequence` is 0 unless it is posted; `details` a JSON object, or empty."""

    id: str
    key_id: str
    user_id: str
    model: str
    price_version: str
    amount_nusd: int
    output_tokens_max: int
    opened_at_ns: int
    state: HoldState
    ended_at_ns: int | None
    charged_nusd: int
    refunded_nusd: int
    sequence: int
    input_tokens: int
    output_tokens: int
    details: str


class Span(Struct, frozen=True):
    """Which calls are summed: those that began at `from_ns` or later, and before `to_ns`."""

    from_ns: int
    to_ns: int


class Sum(Struct, frozen=True, kw_only=True):
    """The paid calls of one group. What they are not grouped by is None. `day` counts from 1970 UTC."""

    day: int | None
    model: str | None
    key_id: str | None
    key_name: str | None
    key_last4: str | None
    user_id: str | None
    user_name: str | None
    calls: int
    input_tokens: int
    output_tokens: int
    charged_nusd: int
    refunded_nusd: int


def find_account(connection: DriverConnection, workspace_id: str, owner_ids: Sequence[str]) -> Account | None:
    """The wallet of a workspace, and budgets and rates of owners (a workspace, users, keys). None where there is no
    wallet.
    """
    wallet = f"wallet:{workspace_id}"
    with _snapshot(connection):
        found = connection.fetch("SELECT posted_nusd, held_nusd FROM wallets WHERE workspace_id = ?", (workspace_id,))
        ((paid_in, paid_out),) = connection.fetch(_FUNDED, (wallet, wallet))
        budgets = [row for owner_id in owner_ids for row in connection.fetch(_BUDGETS, (owner_id,))]
        rates = [row for owner_id in owner_ids for row in connection.fetch(_RATES, (owner_id,))]
    if not found:
        return None
    ((posted_nusd, held_nusd),) = found
    return Account(
        posted_nusd,
        held_nusd,
        int(paid_in) - int(paid_out),
        tuple(_read(Budget, row) for row in budgets),
        tuple(_read(Rate, row) for row in rates),
    )


_FUNDED: Final = (
    "SELECT (SELECT COALESCE(SUM(amount_nusd), 0) FROM transfers WHERE kind = 'topup' AND credit = ?),"
    " (SELECT COALESCE(SUM(amount_nusd), 0) FROM transfers WHERE kind = 'payout' AND debit = ?)"
)
_BUDGETS: Final = (
    "SELECT id, level, owner_id, period, limit_nusd, window_start_ns, spent_nusd, held_nusd FROM budgets"
    " WHERE owner_id = ? ORDER BY limit_nusd, id"
)
_RATES: Final = (
    "SELECT id, level, owner_id, kind, per_minute, filled_micro, seen_at_ns, held_tokens FROM rates"
    " WHERE owner_id = ? ORDER BY kind"
)


def find_key_facts(connection: DriverConnection, key_id: str) -> KeyFacts | None:
    """A key with its owners."""
    found = connection.fetch(
        "SELECT k.id, k.name, k.prefix, k.last4, k.status, k.workspace_id, w.name, k.user_id, u.name, k.permissions,"
        " k.models, k.created_at_ns, k.expires_at_ns, k.slots_max, u.slots_max, u.slots_used, k.shortens FROM keys k"
        " JOIN users u ON u.id = k.user_id JOIN workspaces w ON w.id = k.workspace_id WHERE k.id = ?",
        (key_id,),
    )
    if not found:
        return None
    facts = dict(zip(KeyFacts.__struct_fields__, found[0], strict=True))
    facts["permissions"] = tuple(unpack_texts(facts["permissions"]))
    facts["models"] = None if facts["models"] is None else tuple(unpack_texts(facts["models"]))
    facts["shortens"] = bool(facts["shortens"])
    return KeyFacts(**facts)


def find_call(connection: DriverConnection, scope: Scope, call_id: str) -> CallFacts | None:
    """A call of this id within the scope."""
    where, values = _within(scope)
    found = connection.fetch(_CALL + where + " AND h.id = ?", (*values, call_id))
    return _read(CallFacts, found[0]) if found else None


_CALL: Final = (
    "SELECT h.id, h.key_id, h.user_id, h.model, h.price_version, h.amount_nusd, h.output_tokens_max, h.opened_at_ns,"
    " h.state, h.ended_at_ns, h.charged_nusd, h.refunded_nusd, h.sequence, h.input_tokens, h.output_tokens, h.details"
    " FROM holds h WHERE "
)


def sum_key(connection: DriverConnection, workspace_id: str, key_id: str, since_ns: Sequence[int]) -> list[int]:
    """What the calls of a key that began since each of these times came to, without what was refunded."""
    sums = [connection.fetch(_KEY_SUM, (workspace_id, start_ns, key_id))[0][0] for start_ns in since_ns]
    return [int(amount_nusd) for amount_nusd in sums]


_KEY_SUM: Final = (
    "SELECT COALESCE(SUM(h.charged_nusd - h.refunded_nusd), 0) FROM holds h"
    " WHERE h.workspace_id = ? AND h.opened_at_ns >= ? AND h.key_id = ? AND h.state = 'posted'"
)


def sum_calls(
    connection: DriverConnection,
    scope: Scope,
    span: Span,
    groups: Sequence[Group],
    *,
    after: Sequence[int | str] = (),
    rows_max: int,
) -> list[Sum]:
    """Sums of paid calls by group, sorted by the groups, at most `rows_max` of them.

    `groups` are one or more, in the order of GROUPS; `after` has a row's value for each of them, to go on behind it.
    """
    where, values = _within(scope)
    where += " AND h.opened_at_ns >= ? AND h.opened_at_ns < ?"
    values += [span.from_ns, span.to_ns]
    columns = ", ".join([_COLUMNS[group] for group in groups])
    marks: list[LiteralString] = ["?" for _ in groups]
    if after:
        # Names are compared here as they are sorted below, whatever the database's collation is.
        where += " AND (" + columns + ") > (" + ", ".join(marks) + ")"
        values += after
    picked = ", ".join([(_COLUMNS[group] if group in groups else "NULL") + " AS " + _NAMED[group] for group in GROUPS])
    inner = "SELECT " + picked + _SUMS + where + " GROUP BY " + columns + " ORDER BY " + columns + " LIMIT ?"
    order = " ORDER BY " + ", ".join([_GROUPED[group] for group in groups])
    return [_read(Sum, row) for row in connection.fetch(_OUTER + inner + _NAMES + order, (*values, rows_max))]


# One statement for every grouping: what is not grouped by is NULL, so rows always have the same columns.
_COLUMNS: Final[dict[Group, LiteralString]] = {
    "day": "h.opened_at_ns / 86400000000000",
    "model": "h.model",
    "key": "h.key_id",
    "user": "h.user_id",
}
_NAMED: Final[dict[Group, LiteralString]] = {"day": "day", "model": "model", "key": "key_id", "user": "user_id"}
_GROUPED: Final[dict[Group, LiteralString]] = {name: "g." + column for name, column in _NAMED.items()}
_SUMS: Final = (
    ", COUNT(*) AS calls, SUM(h.input_tokens) AS input_tokens, SUM(h.output_tokens) AS output_tokens,"
    " SUM(h.charged_nusd) AS charged_nusd, SUM(h.refunded_nusd) AS refunded_nusd FROM holds h"
    " WHERE h.state = 'posted' AND "
)
_OUTER: Final = (
    "SELECT g.day, g.model, g.key_id, k.name, k.last4, g.user_id, u.name, g.calls, g.input_tokens, g.output_tokens,"
    " g.charged_nusd, g.refunded_nusd FROM ("
)
_NAMES: Final = ") g LEFT JOIN keys k ON k.id = g.key_id LEFT JOIN users u ON u.id = g.user_id"


def _within(scope: Scope) -> tuple[LiteralString, list[Any]]:
    if scope.user_id is None:
        return "h.workspace_id = ?", [scope.workspace_id]
    return "h.workspace_id = ? AND h.user_id = ?", [scope.workspace_id, scope.user_id]


def _read(kind: type[Any], row: Sequence[Any]) -> Any:
    """A row as a struct whose fields stand in its order. PostgreSQL gives sums as decimals, which are whole here."""
    whole = [value if value is None or isinstance(value, str) else int(value) for value in row]
    return convert(dict(zip(kind.__struct_fields__, whole, strict=True)), kind)


@contextmanager
def _snapshot(connection: DriverConnection) -> Generator[None]:
    """Several statements that see the database at one moment. SQLite's transactions do so by themselves.

    One that fails ends with its connection, which is used for one question only.
    """
    is_sqlite = connection.engine is Engine.SQLITE
    connection.fetch("BEGIN" if is_sqlite else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    yield
    connection.fetch("COMMIT")
