"""The rows of the book, as the store keeps them: what `items` change and `results` report.

Frozen values without behaviour; `ledger` decides, `store` loads and saves. Amounts are integer nano-USD (`_nusd`),
prices integer pico-USD per unit (`_pusd`), times integer nanoseconds UTC (`_ns`). An epoch is the name of one life of
one process: it owns the holds it made, until another one takes them over.
"""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

Status = Literal["active", "disabled", "revoked"]
Level = Literal["workspace", "user", "key"]
RateKind = Literal["requests", "tokens"]
Period = Literal["daily", "weekly", "monthly", "total"]
HoldState = Literal["open", "posted", "voided"]
Source = Literal["payments", "promo"]
TransferKind = Literal["hold", "post", "void", "loss", "cost", "topup", "payout", "refund"]

SLOTS_MAX = 5
"""Calls a user may have open at once where nobody said otherwise."""


class Workspace(Struct, frozen=True):
    """A tenant. It owns one wallet, which bears its id."""

    id: str
    status: Status


class User(Struct, frozen=True):
    """Who calls. `slots_used` counts the open holds of all the user's keys; `slots_max` None is the default."""

    id: str
    workspace_id: str
    status: Status
    slots_used: int = 0
    slots_max: int | None = None


class Key(Struct, frozen=True, kw_only=True):
    """A key as admission reads it anew. `slots_max` is compared with the slots its user has in use.

    `shortens` allows a smaller output cap, on a short balance, to calls that named none.
    """

    id: str
    workspace_id: str
    user_id: str
    status: Status
    version: int
    expires_at_ns: int | None = None
    slots_max: int | None = None
    shortens: bool = True


class Wallet(Struct, frozen=True):
    """A workspace's money. What can be spent is `posted_nusd - held_nusd`, and that is never negative.

    `next_sequence` is the number of the next posting, and so of its receipt.
    """

    workspace_id: str
    posted_nusd: int = 0
    held_nusd: int = 0
    next_sequence: int = 1


class Budget(Struct, frozen=True, kw_only=True):
    """A limit on what a workspace, a user or a key spends in a window. `spent_nusd` belongs to the window that began at
    `window_start_ns`; what is held stays held when a new one begins.
    """

    id: str
    level: Level
    owner_id: str
    period: Period
    limit_nusd: int
    window_start_ns: int = 0
    spent_nusd: int = 0
    held_nusd: int = 0


class Rate(Struct, frozen=True, kw_only=True):
    """A limit on the requests or tokens of a workspace, a user or a key in a minute, as a bucket that leaks.

    It was filled to `filled_micro` millionths at `seen_at_ns`, and what leaks out in a minute is `per_minute`.
    `held_tokens` are reserved for open calls; a bucket of requests has none.
    """

    id: str
    level: Level
    owner_id: str
    kind: RateKind
    per_minute: int
    filled_micro: int = 0
    seen_at_ns: int = 0
    held_tokens: int = 0


class Answer(Struct, frozen=True):
    """Where a finished answer lies, so that it can be given again: the digest of its bytes and its object's name."""

    digest: bytes
    object_name: str


class Claim(Struct, frozen=True, kw_only=True):
    """One Idempotency-Key of one user. `ends_at_ns` None: the call that made it still runs.

    An ended claim without an answer was paid for, but its answer could not be kept.
    """

    id: str
    request_digest: bytes
    hold_id: str
    keep_ns: int
    ends_at_ns: int | None = None
    answer: Answer | None = None


class Hold(Struct, frozen=True, kw_only=True):
    """Money and one slot, reserved for one call; its id is the receipt's. What the call was made with never changes,
    but for `price_version`: of a call that named several models it is in the end that of the name that served.

    `budget_ids` are those that hold `amount_nusd` for it, `rate_ids` the rates that counted it, and `rate_tokens` what
    those of tokens hold for it. `claim_id` is empty for a call without an Idempotency-Key.
    `charged_nusd` is what the wallet paid, `loss_nusd` what the house bore, `sequence` 0 unless posted. The tokens are
    those counted so far, and once it is posted those it was posted with; `details` is a JSON object that tells the
    call's story, for its owner to read.
    """

    id: str
    workspace_id: str
    user_id: str
    key_id: str
    epoch: str
    model: str
    price_version: str
    amount_nusd: int
    output_tokens_max: int
    opened_at_ns: int
    budget_ids: tuple[str, ...] = ()
    claim_id: str = ""
    state: HoldState = "open"
    ended_at_ns: int | None = None
    charged_nusd: int = 0
    loss_nusd: int = 0
    refunded_nusd: int = 0
    sequence: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    progress_nusd: int = 0
    details: str = ""
    rate_ids: tuple[str, ...] = ()
    rate_tokens: int = 0


class Transfer(Struct, frozen=True, kw_only=True):
    """One line of the ledger, never changed: `amount_nusd` leaves `debit` and comes to `credit`.

    A `hold` is pending until a `post` or `void` of the same hold; every other kind is final at once.
    """

    id: str
    kind: TransferKind
    debit: str
    credit: str
    amount_nusd: int
    at_ns: int
    hold_id: str = ""


class Rows(Struct, frozen=True, kw_only=True):
    """Rows by id, locked in the order of these fields and then by id. A wallet's id is its workspace's.

    Transfers are those whose id comes from outside (top-ups, payouts, refunds); they are only looked up.
    """

    workspaces: Mapping[str, Workspace] = field(default_factory=dict[str, Workspace])
    users: Mapping[str, User] = field(default_factory=dict[str, User])
    keys: Mapping[str, Key] = field(default_factory=dict[str, Key])
    wallets: Mapping[str, Wallet] = field(default_factory=dict[str, Wallet])
    budgets: Mapping[str, Budget] = field(default_factory=dict[str, Budget])
    rates: Mapping[str, Rate] = field(default_factory=dict[str, Rate])
    claims: Mapping[str, Claim] = field(default_factory=dict[str, Claim])
    holds: Mapping[str, Hold] = field(default_factory=dict[str, Hold])
    transfers: Mapping[str, Transfer] = field(default_factory=dict[str, Transfer])
