"""A price as an operator set it: the row that the store keeps and the ledger reads.

Its terms are text (docs/reference/prices.md); what they mean is known to `ledger` alone.
"""

from typing import Literal

from msgspec import Struct

PriceKind = Literal["sale", "cost"]
"""`sale`: what a wallet pays, by the name the user calls. `cost`: what the house owes, by ``provider/model``."""


class PriceRow(Struct, frozen=True, kw_only=True):
    """One version, never changed. `terms` is JSON; `seq` counts rows in the order they were set, 0 before that.

    In force from `effective_from_ns`, Unix nanoseconds.
    """

    version: str
    kind: PriceKind
    name: str
    effective_from_ns: int
    terms: str
    created_at_ns: int = 0
    seq: int = 0
