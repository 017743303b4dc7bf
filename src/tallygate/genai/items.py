"""What may happen to the book: the items that a batch folds over the rows, one for each thing that moves money.

Frozen values without behaviour. Units are those of `book`.
"""

from msgspec import Struct

from tallygate.genai.book import SLOTS_MAX, Answer, Hold, Source
from tallygate.genai.receipt_draft import ReceiptDraft


class Bound(Struct, frozen=True):
    """The most a call can cost: `fixed_nusd`, and `output_price_pusd` for each token of its output cap.

    `output_tokens_max` is the cap wished for. `output_tokens_min` is the least the call can do with; None where the
    caller named the cap, which is then never lowered. `input_tokens_max` is the most that goes in, and `answers` how
    many of the cap may come out: what limits of tokens are asked for.
    """

    fixed_nusd: int
    output_price_pusd: int = 0
    output_tokens_max: int = 0
    output_tokens_min: int | None = None
    input_tokens_max: int = 0
    answers: int = 1


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

    `hold` names the rows; its figures are not believed. `loss_nusd` is borne by the house beyond any excess. `details`
    is kept with the hold. `receipt` is completed by what the ledger decides. `price_version` is that of the name that
    served where the caller named several; empty: the one its hold pins.
    """

    hold: Hold
    epoch: str
    amount_nusd: int
    receipt: ReceiptDraft
    input_tokens: int = 0
    output_tokens: int = 0
    loss_nusd: int = 0
    details: str = ""
    costs: tuple[Cost, ...] = ()
    answer: Answer | None = None
    price_version: str = ""


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
    receipt: ReceiptDraft
    estimate_nusd: int = 0
    costs: tuple[Cost, ...] = ()


class Progress(Struct, frozen=True, kw_only=True):
    """How far a running call has come: all its tokens so far, and their price. `price_version` as in a Settlement."""

    hold: Hold
    epoch: str
    input_tokens: int
    output_tokens: int
    amount_nusd: int
    price_version: str = ""


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
