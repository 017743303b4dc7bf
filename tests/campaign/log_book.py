"""Receipts and the log as they stand in the database, by SQL of its own. Rows are dictionaries by column."""

import time
from typing import Any, NamedTuple

from tests.campaign.book import Row, reading


class LogBook(NamedTuple):
    """Receipts by id; entries in the order in which they came; checkpoints as they were signed, the smallest first."""

    receipts: dict[str, Row]
    statements: frozenset[str]
    entries: list[Row]
    log: Row
    checkpoints: list[bytes]


def read_log(url: str) -> LogBook:
    """All of it, at one moment."""
    with reading(url) as ask:
        (log,) = ask("SELECT * FROM logs")
        return LogBook(
            {row["id"]: _plain(row) for row in ask("SELECT * FROM receipts")},
            frozenset(row["id"] for row in ask("SELECT id FROM log_statements")),
            [_plain(row) for row in ask("SELECT * FROM log_entries ORDER BY seq")],
            log,
            [bytes(row["note"]) for row in ask("SELECT note FROM log_checkpoints ORDER BY size")],
        )


def is_at_rest(log: LogBook) -> bool:
    """Whether every entry has its leaf, and the last checkpoint covers them all."""
    waits = any(row["leaf_index"] is None for row in log.entries)
    return not waits and len(log.entries) == log.log["size"] == log.log["checkpoint_size"]


def read_log_at_rest(url: str, timeout_s: float) -> LogBook:
    """The log once it has taken everything in; as it is, if that does not come to pass in time."""
    deadline_s = time.monotonic() + timeout_s
    while not is_at_rest(log := read_log(url)) and time.monotonic() < deadline_s:
        time.sleep(0.1)
    return log


def _plain(row: Row) -> Row:
    def flat(value: Any) -> Any:
        return bytes(value) if isinstance(value, memoryview) else value

    return {name: flat(value) for name, value in row.items()}
