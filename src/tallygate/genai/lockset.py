"""Which rows a batch of the book names, so that the store can load and lock them all before anything is decided.

The fields stand in the order in which rows are locked, the ids of each in ascending order: two transactions that lock
this way never wait for each other in a circle.
"""

from collections.abc import Iterable

from msgspec import Struct

from tallygate.genai.book import Hold, TransferKind
from tallygate.genai.items import (
    Admission,
    Item,
    LimitChange,
    Payout,
    Progress,
    Recovery,
    Refund,
    Settlement,
    TopUp,
    Void,
)


def derive_transfer_id(origin_id: str, kind: TransferKind, number: int = 0) -> str:
    """The id of the transfer that a hold, a top-up, a payout or a refund makes; `number` tells costs apart.

    Derived, so that the same transfer written twice is one id, which the database refuses.
    """
    return f"{origin_id}/{kind}/{number}" if number else f"{origin_id}/{kind}"


class Lockset(Struct, frozen=True):
    """Ids of rows by table. Budgets and rates are named by id or by owner: a call meets all those of its workspace,
    user and key, also one it has never heard of. Transfers are looked up only.
    """

    workspaces: tuple[str, ...]
    users: tuple[str, ...]
    keys: tuple[str, ...]
    wallets: tuple[str, ...]
    budgets: tuple[str, ...]
    budget_owners: tuple[str, ...]
    rates: tuple[str, ...]
    rate_owners: tuple[str, ...]
    claims: tuple[str, ...]
    holds: tuple[str, ...]
    transfers: tuple[str, ...]


class _Names:
    """A lockset while it grows, a set for each field. Some ids are empty: they name no row."""

    __slots__ = Lockset.__struct_fields__

    def __init__(self) -> None:
        self.workspaces: set[str] = set()
        self.users: set[str] = set()
        self.keys: set[str] = set()
        self.wallets: set[str] = set()
        self.budgets: set[str] = set()
        self.budget_owners: set[str] = set()
        self.rates: set[str] = set()
        self.rate_owners: set[str] = set()
        self.claims: set[str] = set()
        self.holds: set[str] = set()
        self.transfers: set[str] = set()

    def add_admission(self, item: Admission) -> None:
        self.workspaces.add(item.workspace_id)
        self.users.add(item.user_id)
        self.keys.add(item.key_id)
        self.wallets.add(item.workspace_id)
        owners = (item.workspace_id, item.user_id, item.key_id)
        self.budget_owners.update(owners)
        self.rate_owners.update(owners)
        self.holds.add(item.hold_id)
        if item.claim is not None:
            self.claims.add(item.claim.id)

    def add_end(self, hold: Hold) -> None:
        self.users.add(hold.user_id)
        self.wallets.add(hold.workspace_id)
        self.holds.add(hold.id)
        if hold.budget_ids:
            self.budgets.update(hold.budget_ids)
        if hold.rate_ids:
            self.rates.update(hold.rate_ids)
        if hold.claim_id:
            self.claims.add(hold.claim_id)

    def close(self) -> Lockset:
        return Lockset(*[tuple(sorted(getattr(self, name) - {""})) for name in Lockset.__struct_fields__])


def name_rows(items: Iterable[Item]) -> Lockset:
    """Every row the items name, each once."""
    names = _Names()
    for item in items:
        match item:
            case Admission():
                names.add_admission(item)
            case Settlement() | Void() | Recovery():
                names.add_end(item.hold)
            case Progress():
                names.holds.add(item.hold.id)
            case TopUp():
                names.wallets.add(item.workspace_id)
                names.transfers.add(derive_transfer_id(item.id, "topup"))
            case Payout():
                names.wallets.add(item.workspace_id)
                names.transfers.add(derive_transfer_id(item.id, "payout"))
            case Refund():
                names.wallets.add(item.hold.workspace_id)
                names.holds.add(item.hold.id)
                names.transfers.add(derive_transfer_id(item.id, "refund"))
            case LimitChange():
                names.budgets.add(item.budget_id)
    return names.close()
