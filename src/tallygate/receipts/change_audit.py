"""Holds the audit log to what was entered in the transparency log about it: each row has its entry and says the same.

Whoever changes, removes or slips in a row is found out here; whether the entries themselves are whole is known to
`log_audit`.
"""

from collections.abc import Iterator
from typing import Any, Final, cast

import msgspec
from msgspec import structs

from tallygate.genai.audit_row import AuditRow, ChangeEntry, make_entry
from tallygate.receipts.canonical import read_canonical
from tallygate.receipts.flaw import Flaw
from tallygate.store.driver import DriverConnection
from tallygate.store.log_audit import list_changes, list_lost_changes, read_last_signed_ns

BITE: Final = 500

ENTERED_NS: Final = 60 * 10**9
"""What was done before there was a log is entered some seconds after the first start. What is still missing when the
log has gone on for so long was left out, or was not written by the gateway.
"""


def audit_changes(connection: DriverConnection) -> Iterator[Flaw]:
    """Every flaw, in the order of the rows. Raises DriverError."""
    signed_ns = read_last_signed_ns(connection)
    after = 0
    while bite := list_changes(connection, after, BITE):
        for row, body in bite:
            after = row.seq
            if body is not None:
                yield from check_change(row, body)
            elif row.at_ns + ENTERED_NS < signed_ns:
                yield Flaw(f"change {row.seq}", "it stands in the audit log and was not entered in the log")
    for statement_id in list_lost_changes(connection):
        yield Flaw(f"entry {statement_id}", "the row of the audit log that it is about is gone")


def check_change(row: AuditRow, body: bytes) -> Iterator[Flaw]:
    """Everything that a row and its entry say differently. Pure."""
    place = f"change {row.seq}"
    try:
        entered = msgspec.convert(cast("Any", read_canonical(body)), ChangeEntry)
    except ValueError as error:
        yield Flaw(place, f"its entry cannot be read: {error}")
        return
    stands = structs.asdict(make_entry(row, entered.log, entered.salt))
    for name, said in structs.asdict(entered).items():
        if stands[name] != said:
            yield Flaw(place, f"its {name} is not what was entered in the log")
