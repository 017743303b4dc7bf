"""A receipt before its call is posted: all that is known of the call but its number, its amount, its posting and its
time, which only the book can say. It rides with the settlement; `receipts` makes and completes it.

Each part is a member of the receipt and spelt as it (docs/reference/receipts.md); a field that is None or empty is left
out. Commitments are 43 letters of base64url. Frozen values without behaviour.
"""

from typing import Literal

from msgspec import Struct

from tallygate.genai.details import Guarded, Tried, UsageSource

ReceiptStatus = Literal["ok", "partial", "cancelled", "failed", "recovered"]
"""How the call ended, as `outcome.Status`; `recovered`: its process died, and another one closed its account."""

ChargeBasis = Literal["usage", "free", "waived", "progress"]
"""Why the amount is what it is. `usage`: price times usage, at most what was reserved; `free`: the price is nothing;
`waived`: nothing is charged for such an end; `progress`: what had been noted when the process died.
"""


class RequestPart(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was asked. `model` is the name the caller used; `policy` the digest of the policy that it came under, in 64
    hexadecimal digits.
    """

    model: str
    endpoint: str = ""
    method: str = ""
    stream: bool | None = None
    commit: str = ""
    params_commit: str = ""
    policy: str = ""


class ForwardedPart(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was sent on: every attempt in order, and the body of the last one."""

    attempts: tuple[Tried, ...] = ()
    commit: str = ""


class ResponsePart(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How it ended. `complete`: the answer came to its end. `error` is our code for what went wrong."""

    status: ReceiptStatus
    complete: bool
    finish: tuple[str, ...] = ()
    error: str = ""
    commit: str = ""
    content_commit: str = ""


class RoutePart(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who served, and which model it said it was. `fallback`: another one had been tried before. `sold_as`: the name
    whose price was paid, where the caller named several and it was not the first.
    """

    provider: str
    model: str
    fallback: bool
    reported_model: str = ""
    sold_as: str = ""


class UsagePart(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was used and who says so. The totals are the ledger's; the rest are parts of them, or other units."""

    source: UsageSource
    input: int
    output: int
    input_cached: int | None = None
    input_cache_write: int | None = None
    input_cache_write_1h: int | None = None
    input_audio: int | None = None
    output_audio: int | None = None
    reasoning: int | None = None
    images: int | None = None
    duration_ms: int | None = None
    characters: int | None = None
    tool_uses: int | None = None


class TimingPart(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Milliseconds from the request's arrival. `ttft`: until the first piece of the answer left."""

    total: int
    ttft: int | None = None


class ReceiptDraft(Struct, frozen=True, kw_only=True):
    """`subject` is the pseudonym of the account. `seed` opens the commitments: it is kept beside the receipt and never
    written into it; empty where there are none.
    """

    issuer: str
    log: str
    subject: str
    basis: ChargeBasis
    request: RequestPart
    response: ResponsePart
    usage: UsagePart
    forwarded: ForwardedPart | None = None
    route: RoutePart | None = None
    timing_ms: TimingPart | None = None
    dropped: tuple[str, ...] = ()
    guardrails: tuple[Guarded, ...] = ()
    seed: bytes = b""

    def __repr__(self) -> str:
        """Without the seed: a draft may be printed with its settlement."""
        return f"ReceiptDraft(log={self.log!r}, request={self.request!r}, response={self.response!r})"
