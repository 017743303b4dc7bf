"""The words of the book: rows that the store keeps, items that change them, results that come back.

Frozen values without behaviour; `ledger` decides, `store` loads and saves. Amounts are integer nano-USD (`_nusd`),
prices integer pico-USD per unit (`_pusd`), times integer nanoseconds UTC (`_ns`). An epoch is the name of one life of
one process: it owns the holds it made, until another one takes them over.
"""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

Status = Literal["active", "disabled", "revoked"]
Level = Literal["workspace", "user", "key"]
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
    """Money and one slot, reserved for one call; its id is the receipt's. What the call was made with never changes.

    `budget_ids` are those that hold `amount_nusd` for it. `claim_id` is empty for a call without an Idempotency-Key.
    `charged_nusd` is what the wallet paid, `loss_nusd` what the house bore, `sequence` 0 unless posted.
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
    progress_input_tokens: int = 0
    progress_output_tokens: int = 0
    progress_nusd: int = 0


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
    claims: Mapping[str, Claim] = field(default_factory=dict[str, Claim])
    holds: Mapping[str, Hold] = field(default_factory=dict[str, Hold])
    transfers: Mapping[str, Transfer] = field(default_factory=dict[str, Transfer])


class Bound(Struct, frozen=True):
    """The most a call can cost: `fixed_nusd`, and `output_price_pusd` for each token of its output cap.

    `output_tokens_max` is the cap wished for. `output_tokens_min` is the least the call can do with; None where the
    caller named the cap, which is then never lowered.
    """

    fixed_nusd: int
    output_price_pusd: int = 0
    output_tokens_max: int = 0
    output_tokens_min: int | None = None


class ClaimRequest(Struct, frozen=True):
    """An Idempotency-Key that comes with a call: its id within the user, the digest of method, path and body, and how
    long the ended claim is kept.
    """

    id: str
    request_digest: bytes
    keep_ns: int


class Cost(Struct, frozen=True):
    """What the house owes a provider for the attempts of one call."""

    provider: str
    amount_nusd: int


class Admission(Struct, frozen=True, kw_only=True):
    """May this call be made? `key_version` is the version that was read when the caller was identified."""

    hold_id: str
    epoch: str
    workspace_id: str
    user_id: str
    key_id: str
    key_version: int
    model: str
    price_version: str
    bound: Bound
    slots_max: int = SLOTS_MAX
    claim: ClaimRequest | None = None


class Settlement(Struct, frozen=True, kw_only=True):
    """A dispatched call has ended: its usage comes to `amount_nusd` at the price its hold pins.

    `hold` names the rows; its figures are not believed. `loss_nusd` is borne by the house beyond any excess.
    """

    hold: Hold
    epoch: str
    amount_nusd: int
    loss_nusd: int = 0
    costs: tuple[Cost, ...] = ()
    answer: Answer | None = None


class Void(Struct, frozen=True):
    """The live owner of a call knows that nothing was sent upstream and no header has left."""

    hold: Hold
    epoch: str


class Recovery(Struct, frozen=True, kw_only=True):
    """The owner of a call is dead: `to_epoch` ends it in its place.

    `estimate_nusd` is what the call may have come to.
    """

    hold: Hold
    from_epoch: str
    to_epoch: str
    estimate_nusd: int = 0
    costs: tuple[Cost, ...] = ()


class Progress(Struct, frozen=True, kw_only=True):
    """How far a running call has come: all its tokens so far, and their price."""

    hold: Hold
    epoch: str
    input_tokens: int
    output_tokens: int
    amount_nusd: int


class TopUp(Struct, frozen=True):
    """Money for a wallet. `id` is the payment's: it counts once in the whole database."""

    id: str
    workspace_id: str
    amount_nusd: int
    source: Source = "payments"


class Payout(Struct, frozen=True):
    """Money that leaves a wallet again: at most what is neither spent nor held."""

    id: str
    workspace_id: str
    amount_nusd: int


class Refund(Struct, frozen=True):
    """Some or all of a call's charge comes back. `hold` names the rows."""

    id: str
    hold: Hold
    amount_nusd: int


class LimitChange(Struct, frozen=True):
    """A budget's new limit. It binds the next admission; what is held already stays held."""

    budget_id: str
    limit_nusd: int


Item = Admission | Settlement | Void | Recovery | Progress | TopUp | Payout | Refund | LimitChange


class Held(Struct, frozen=True):
    """The call may be made, with at most `hold.output_tokens_max` tokens of output."""

    hold: Hold


class Stale(Struct, frozen=True):
    """The key has changed since the caller was identified: identify anew and ask again."""


class Running(Struct, frozen=True):
    """The first call with this Idempotency-Key has not ended yet."""

    hold_id: str


class Replay(Struct, frozen=True):
    """The call with this Idempotency-Key has ended. `answer` None: it was charged, but cannot be given again."""

    hold_id: str
    answer: Answer | None


class Posted(Struct, frozen=True):
    """The call is paid: `hold.charged_nusd` as posting `hold.sequence` of the wallet, by the transfer named."""

    hold: Hold
    transfer_id: str


class Voided(Struct, frozen=True):
    """The hold is gone, free of charge."""

    hold: Hold


class Noted(Struct, frozen=True):
    """The progress is kept."""

    hold: Hold


class Moved(Struct, frozen=True):
    """The top-up, payout or refund is done. `repeated`: it was done before, and nothing changed."""

    transfer: Transfer
    repeated: bool = False


class LimitSet(Struct, frozen=True):
    """The budget has its new limit."""

    budget: Budget


class AlreadyDone(Struct, frozen=True):
    """The hold has ended before, as it says itself; nothing changed."""

    hold: Hold


class Fenced(Struct, frozen=True):
    """The hold has another owner now, who has ended it or will; nothing changed."""

    hold: Hold


Reason = Literal[
    "key",  # unknown, revoked, expired, or of a user or workspace that is not active
    "slots",  # too many calls of the user are open
    "balance",  # the wallet does not cover the bound, or the payout
    "budget",  # a budget does not cover the bound
    "claim",  # the Idempotency-Key was used for another request
    "dispatched",  # a void of a call that has come some way
    "charge",  # a refund of more than is left of the charge
    "taken",  # a top-up, payout or refund with an id that stands for another one
    "amount",  # no amount of money, or one beyond what a row holds
    "unknown",  # a row that is not there
]


class Refused(Struct, frozen=True, kw_only=True):
    """The item changed nothing, and why. `level` and `budget_id` say whose limit it is, where it is one.

    `output_tokens_affordable` is the largest output cap that would have passed; `resets_at_ns` when the budget's window
    ends.
    """

    reason: Reason
    level: Level | None = None
    budget_id: str = ""
    needed_nusd: int = 0
    available_nusd: int = 0
    output_tokens_affordable: int = 0
    slots_max: int = 0
    resets_at_ns: int | None = None


Result = Held | Stale | Running | Replay | Posted | Voided | Noted | Moved | LimitSet | AlreadyDone | Fenced | Refused


class Folded(Struct, frozen=True):
    """What a batch came to: one result for each item, in order; each changed row once; the new lines of the ledger."""

    results: tuple[Result, ...]
    changed: Rows
    transfers: tuple[Transfer, ...]
    claims_released: tuple[str, ...] = ()
