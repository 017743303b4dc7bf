"""Counts the receipts of every account and finds the gaps in their numbers, in driver SQL. Nothing is decided here."""

from typing import LiteralString

from msgspec import Struct

from tallygate.store.driver import DriverConnection

_NUMBERS: LiteralString = (
    "SELECT wallets.workspace_id, workspaces.name, count(receipts.id), coalesce(min(receipts.sequence), 0),"
    " coalesce(max(receipts.sequence), 0), wallets.next_sequence - 1 FROM wallets"
    " JOIN workspaces ON workspaces.id = wallets.workspace_id"
    " LEFT JOIN receipts ON receipts.workspace_id = wallets.workspace_id"
    " GROUP BY wallets.workspace_id, workspaces.name, wallets.next_sequence ORDER BY workspaces.name"
)
_EARLIER: LiteralString = (
    "SELECT holds.workspace_id, max(holds.sequence) FROM holds WHERE holds.sequence > 0"
    " AND NOT EXISTS (SELECT 1 FROM logs WHERE logs.created_at_ns <= holds.ended_at_ns) GROUP BY holds.workspace_id"
)
_GAPS: LiteralString = (
    "SELECT workspace_id, before, sequence FROM (SELECT workspace_id, sequence, lag(sequence)"
    " OVER (PARTITION BY workspace_id ORDER BY sequence) AS before FROM receipts) AS numbers"
    " WHERE sequence <> before + 1 ORDER BY workspace_id, sequence"
)


class Numbers(Struct, frozen=True):
    """An account's receipts: how many, from which number to which, and how many calls were charged.

    `earlier` is the number of the last charge from before there were receipts; 0 if there is none.
    """

    workspace_id: str
    name: str
    receipts: int
    first: int
    last: int
    charged: int
    earlier: int


def list_numbers(connection: DriverConnection) -> list[Numbers]:
    """The accounts, by name."""
    earlier: dict[str, int] = {row[0]: row[1] for row in connection.fetch(_EARLIER)}
    found = connection.fetch(_NUMBERS)
    return [Numbers(*numbers, earlier=earlier.get(numbers[0], 0)) for numbers in found]


def list_inner_gaps(connection: DriverConnection) -> list[tuple[str, int, int]]:
    """By workspace, the first and the last number of every gap between two of its receipts."""
    return [(workspace_id, before + 1, sequence - 1) for workspace_id, before, sequence in connection.fetch(_GAPS)]
