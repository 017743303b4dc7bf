"""Lists calls for their owners, the newest first, in driver SQL. Nothing is written here: see `usage` for their sums.

Every question takes a `Scope`, which is part of the statement's condition: what lies outside it does not exist here.
The list runs over `ix_holds_workspace_id_opened_at_ns`, so the first page costs the same however many calls there are.
"""

from typing import Any, Final, LiteralString

from msgspec import Struct, convert

from tallygate.genai.book import HoldState
from tallygate.store.driver import DriverConnection
from tallygate.store.usage import Scope


class Wanted(Struct, frozen=True, kw_only=True):
    """Which calls are listed: each None is no condition. `before` is the place of a call, to go on behind it."""

    model: str | None = None
    key_id: str | None = None
    user_id: str | None = None
    state: HoldState | None = None
    from_ns: int | None = None
    to_ns: int | None = None
    before: tuple[int, str] | None = None


class CallLine(Struct, frozen=True, kw_only=True):
    """One call in a list, with the names of its key and its user. `details` is a JSON object, or empty."""

    id: str
    opened_at_ns: int
    state: HoldState
    model: str
    key_id: str
    key_name: str
    user_id: str
    user_name: str
    amount_nusd: int
    charged_nusd: int
    refunded_nusd: int
    input_tokens: int
    output_tokens: int
    details: str


def list_calls(connection: DriverConnection, scope: Scope, wanted: Wanted, rows_max: int) -> list[CallLine]:
    """At most `rows_max` calls within the scope, the newest first."""
    where: LiteralString = "h.workspace_id = ?"
    values: list[Any] = [scope.workspace_id]
    conditions: tuple[tuple[LiteralString, Any], ...] = (
        ("h.user_id = ?", scope.user_id),
        ("h.user_id = ?", wanted.user_id),
        ("h.model = ?", wanted.model),
        ("h.key_id = ?", wanted.key_id),
        ("h.state = ?", wanted.state),
        ("h.opened_at_ns >= ?", wanted.from_ns),
        ("h.opened_at_ns < ?", wanted.to_ns),
    )
    for condition, value in conditions:
        if value is not None:
            where += " AND " + condition
            values.append(value)
    if wanted.before is not None:
        # The first half alone lets the index find the place; the second makes it exact.
        where += " AND h.opened_at_ns <= ? AND (h.opened_at_ns < ? OR h.id < ?)"
        values += [wanted.before[0], *wanted.before]
    found = connection.fetch(_LIST + where + " ORDER BY h.opened_at_ns DESC, h.id DESC LIMIT ?", (*values, rows_max))
    return [convert(dict(zip(CallLine.__struct_fields__, row, strict=True)), CallLine) for row in found]


_LIST: Final[LiteralString] = (
    "SELECT h.id, h.opened_at_ns, h.state, h.model, h.key_id, k.name, h.user_id, u.name, h.amount_nusd,"
    " h.charged_nusd, h.refunded_nusd, h.input_tokens, h.output_tokens, h.details FROM holds h"
    " JOIN keys k ON k.id = h.key_id JOIN users u ON u.id = h.user_id WHERE "
)


def count_open(connection: DriverConnection, scope: Scope) -> int:
    """How many calls within the scope are open now."""
    where: LiteralString = "h.workspace_id = ? AND h.state = 'open'"
    values: list[Any] = [scope.workspace_id]
    if scope.user_id is not None:
        where += " AND h.user_id = ?"
        values.append(scope.user_id)
    ((count,),) = connection.fetch(_COUNT + where, values)
    return int(count)


_COUNT: Final[LiteralString] = "SELECT COUNT(*) FROM holds h WHERE "
