"""A past for tests that read: paid calls, credit and budgets, put into the tables as the writer would leave them."""

import time
from itertools import count
from typing import Any, LiteralString

from tallygate.store.address import DatabaseAddress
from tallygate.store.driver import DriverConnection
from tallygate.store.rows import KeyRecord

_numbers = count(1)
_HOLD: LiteralString = (
    "INSERT INTO holds (id, workspace_id, user_id, key_id, epoch, model, price_version, amount_nusd, output_tokens_max,"
    " opened_at_ns, budget_ids, claim_id, state, ended_at_ns, charged_nusd, loss_nusd, refunded_nusd, sequence,"
    " input_tokens, output_tokens, progress_nusd, details)"
    " VALUES (?, ?, ?, ?, 'e1', ?, 'v1', ?, 100, ?, '[]', '', ?, ?, ?, 0, ?, ?, ?, ?, 0, ?)"
)


class Past:
    """Writes rows into one database. Every method is a transaction of its own."""

    def __init__(self, address: DatabaseAddress) -> None:
        self._address = address

    def run(self, sql: LiteralString, values: tuple[Any, ...]) -> None:
        """One statement."""
        connection = DriverConnection(self._address)
        try:
            connection.fetch(sql, values)
        finally:
            connection.close()

    def fund(self, workspace_id: str, amount_nusd: int, *, kind: str = "topup") -> None:
        """A top-up or a payout."""
        wallet = f"wallet:{workspace_id}"
        accounts = ("payments", wallet) if kind == "topup" else (wallet, "payments")
        change = amount_nusd if kind == "topup" else -amount_nusd
        self.run(
            "INSERT INTO transfers (id, kind, debit, credit, amount_nusd, at_ns, hold_id)"
            " VALUES (?, ?, ?, ?, ?, 1, '')",
            (f"t{next(_numbers)}/{kind}", kind, *accounts, amount_nusd),
        )
        self.run("UPDATE wallets SET posted_nusd = posted_nusd + ? WHERE workspace_id = ?", (change, workspace_id))

    def call(self, key: KeyRecord, **facts: Any) -> str:
        """A call of a key, paid unless `state` says otherwise. Gives its id."""
        number = next(_numbers)
        state = facts.get("state", "posted")
        call_id: str = facts.get("call_id", f"call_{number:032x}")
        charged = facts.get("charged_nusd", 0)
        opened_at_ns = facts.get("opened_at_ns", time.time_ns())
        self.run(
            _HOLD,
            (
                *(call_id, key.workspace_id, key.user_id, key.id, facts.get("model", "m")),
                *(max(charged, facts.get("amount_nusd", 0)), opened_at_ns, state),
                *(None if state == "open" else opened_at_ns + 1_500_000_000, charged, facts.get("refunded_nusd", 0)),
                *(number if state == "posted" else 0, facts.get("input_tokens", 0), facts.get("output_tokens", 0)),
                facts.get("details", ""),
            ),
        )
        return call_id

    def budget(self, workspace_id: str, level: str, owner_id: str, limit_nusd: int, **facts: Any) -> str:
        """A budget. Gives its id."""
        budget_id = f"bud_{next(_numbers):032x}"
        self.run(
            "INSERT INTO budgets (id, workspace_id, level, owner_id, period, limit_nusd, window_start_ns, spent_nusd,"
            " held_nusd, created_at_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
            (
                *(budget_id, workspace_id, level, owner_id, facts.get("period", "total"), limit_nusd),
                *(facts.get("window_start_ns", 0), facts.get("spent_nusd", 0), facts.get("held_nusd", 0)),
            ),
        )
        return budget_id
