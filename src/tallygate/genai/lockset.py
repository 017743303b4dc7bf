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
    """Ids of rows by table. Budgets are named by id or by owner: a call meets every budget of its workspace, user and
    key, also one it has never heard of. Transfers are looked up only.
    """

    workspaces: tuple[str, ...]
    users: tuple[str, ...]
    keys: tuple[str, ...]
    wallets: tuple[str, ...]
    budgets: tuple[str, ...]
    budget_owners: tuple[str, ...]
    claims: tuple[str, ...]
    holds: tuple[str, ...]
    transfers: tuple[str, ...]


class _Names:
    """A lockset while it grows."""

    def __init__(self) -> None:
        self.sets: dict[str, set[str]] = {name: set() for name in Lockset.__struct_fields__}

    def add(self, **ids: str) -> None:
        for table, row_id in ids.items():
            if row_id:
                self.sets[table].add(row_id)

    def add_admission(self, item: Admission) -> None:
        self.add(workspaces=item.workspace_id, users=item.user_id, keys=item.key_id, wallets=item.workspace_id)
        self.add(holds=item.hold_id, claims=item.claim.id if item.claim else "")
        self.sets["budget_owners"].update((item.workspace_id, item.user_id, item.key_id))

    def add_end(self, hold: Hold) -> None:
        self.add(users=hold.user_id, wallets=hold.workspace_id, claims=hold.claim_id, holds=hold.id)
        self.sets["budgets"].update(hold.budget_ids)


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
                names.add(holds=item.hold.id)
            case TopUp():
                names.add(wallets=item.workspace_id, transfers=derive_transfer_id(item.id, "topup"))
            case Payout():
                names.add(wallets=item.workspace_id, transfers=derive_transfer_id(item.id, "payout"))
            case Refund():
                names.add(wallets=item.hold.workspace_id, holds=item.hold.id)
                names.add(transfers=derive_transfer_id(item.id, "refund"))
            case LimitChange():
                names.add(budgets=item.budget_id)
    return Lockset(**{name: tuple(sorted(ids)) for name, ids in names.sets.items()})
