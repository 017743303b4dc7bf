"""What became of each item of a batch, and what a batch came to. Frozen values without behaviour; units are those of
`book`.
"""

from typing import Literal

from msgspec import Struct

from tallygate.genai.book import Answer, Budget, Hold, Level, Rate, Rows, Transfer


class Held(Struct, frozen=True):
    """The call may be made, with at most `hold.output_tokens_max` tokens of output. `rates` are its limits of requests
    and tokens as it has left them.
    """

    hold: Hold
    rates: tuple[Rate, ...] = ()


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
    "rate",  # too many requests or tokens within a minute
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
    ends. For a `rate` it says how much it was asked for (`amount`), for how long that will not fit (`wait_ns`; None: it
    never will), and all `rates` of the caller as they stand.
    """

    reason: Reason
    level: Level | None = None
    budget_id: str = ""
    needed_nusd: int = 0
    available_nusd: int = 0
    output_tokens_affordable: int = 0
    slots_max: int = 0
    resets_at_ns: int | None = None
    rate: Rate | None = None
    rates: tuple[Rate, ...] = ()
    amount: int = 0
    wait_ns: int | None = None


Result = Held | Stale | Running | Replay | Posted | Voided | Noted | Moved | LimitSet | AlreadyDone | Fenced | Refused


class Folded(Struct, frozen=True):
    """What a batch came to: one result for each item, in order; each changed row once; the new lines of the ledger."""

    results: tuple[Result, ...]
    changed: Rows
    transfers: tuple[Transfer, ...]
    claims_released: tuple[str, ...] = ()
