"""Puts on record what receipts refer to: the versions of prices, and the issuer's own keys, as entries of the log; and
administrative changes from before there was one.

Whatever is not on record yet is found by looking, so it does not matter who set a price, or when. Prices that stand in
no row (those of the configuration and of the shipped list) are put down by the processes that use them. Every process
may do all of this: an entry is made once.
"""

from collections.abc import Sequence

import msgspec

from tallygate.genai.audit_row import STATEMENT, make_entry, name_statement, write_entry
from tallygate.genai.price_row import PriceRow
from tallygate.receipts.entries import digest_body, write_keys, write_price
from tallygate.receipts.key_file import LogKeys
from tallygate.store.driver import DriverConnection
from tallygate.store.log_statements import (
    Statement,
    add_statements,
    has_statement,
    make_salt,
    read_last_recorded_price,
    read_unrecorded_changes,
)
from tallygate.store.price_feed import load_prices

BITE = 200


class Record:
    """The record in one log, on one connection."""

    def __init__(self, connection: DriverConnection, keys: LogKeys) -> None:
        self._connection = connection
        self._keys = keys
        self._last_price: int | None = None
        self._used: set[str] = set()

    def bring_up_to_date(self, now_ns: int) -> int:
        """Add what is missing, at most 200 entries at a time. Returns how many were added. Raises DriverError."""
        if self._last_price is not None:
            return self._add_prices(self._last_price, now_ns)
        added = self._add_keys(now_ns)
        if changed := self._add_changes(now_ns):
            return added + changed
        return added + self._add_prices(read_last_recorded_price(self._connection), now_ns)

    def put_used(self, rows: Sequence[PriceRow], now_ns: int) -> int:
        """Add the prices that calls of this process were made at, where they are missing. Returns how many were added.

        Raises DriverError.
        """
        new = [row for row in rows if row.version not in self._used]
        if not new:
            return 0
        added = sum(self._put_prices(new[start : start + BITE], now_ns) for start in range(0, len(new), BITE))
        self._used = {row.version for row in rows}
        return added

    def _add_keys(self, now_ns: int) -> int:
        """A key set has one entry, however often the gateway starts with it."""
        keys = self._keys
        statement_id = f"keys_{digest_body(msgspec.json.encode(keys.public)).hex()[:32]}"
        if has_statement(self._connection, statement_id):
            return 0
        body = write_keys(keys.public, keys.origin, now_ns)
        return self._add([Statement(statement_id, "keys", body, digest_body(body))], now_ns)

    def _add_changes(self, now_ns: int) -> int:
        """What was done before the log began. The newest come first: what has none before it is complete."""
        rows = read_unrecorded_changes(self._connection, BITE)
        origin = self._keys.origin
        bodies = [(row, write_entry(make_entry(row, origin, make_salt()))) for row in rows]
        return self._add(
            [Statement(name_statement(row.seq), STATEMENT, body, digest_body(body)) for row, body in bodies], now_ns
        )

    def _add_prices(self, after_seq: int, now_ns: int) -> int:
        rows = load_prices(self._connection, after_seq)[:BITE]
        added = self._put_prices(rows, now_ns)
        self._last_price = rows[-1].seq if rows else after_seq
        return added

    def _put_prices(self, rows: Sequence[PriceRow], now_ns: int) -> int:
        keys = self._keys
        bodies = [write_price(row, keys.issuer, keys.origin, now_ns) for row in rows]
        return self._add(
            [Statement(row.version, "price", body, digest_body(body)) for row, body in zip(rows, bodies, strict=True)],
            now_ns,
        )

    def _add(self, statements: list[Statement], now_ns: int) -> int:
        return add_statements(self._connection, self._keys.origin, statements, now_ns) if statements else 0
