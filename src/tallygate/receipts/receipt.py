"""The receipt of a call: what is put down when it has ended, and completed once it is posted.

Pure. Nothing of what was said, of who said it or of how to reach a provider is written here; which bytes were exchanged
is said by commitments alone. The format is that of docs/reference/receipts.md.
"""

import hmac
from collections.abc import Mapping
from typing import Final, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tallygate.genai.book import Hold
from tallygate.genai.details import Details, Guarded, Tried
from tallygate.genai.receipt_draft import (
    ChargeBasis,
    ForwardedPart,
    ReceiptDraft,
    ReceiptStatus,
    RequestPart,
    ResponsePart,
    RoutePart,
    TimingPart,
    UsagePart,
)
from tallygate.genai.results import Posted
from tallygate.genai.usage import Usage
from tallygate.receipts.canonical import fit_integer, fit_text, read_canonical, write_struct
from tallygate.receipts.commitment import Label, write_digest

RECEIPT: Final = "tallygate/inference-receipt/1"

CLAIMS: Final = (
    "The issuer's key asserts these facts, no later than the checkpoint that includes them. Inclusion and consistency "
    "proofs show that they have not been changed, removed or reordered since; openings show which request and response "
    "bytes they are about. Nothing here proves that a provider counted truly, that the named model really ran, or that "
    "an answer is correct or safe."
)
"""What a receipt proves and what not: signed with it, so that nobody can quote the one without the other."""

CURRENCY: Final = "USD"
SCALE: Final = 9
"""Amounts are whole numbers of 10**-9 of the currency."""

_NAME_CHARACTERS_MAX: Final = 256
_LIST_MAX: Final = 100
_SUBJECTS_MAX: Final = 4_096
"""So many pseudonyms are remembered: each call needs one."""
_NS_PER_MS: Final = 1_000_000

_STATUSES: Final[dict[str, ReceiptStatus]] = {"ok": "ok", "partial": "partial", "cancelled": "cancelled"}
"""All others have failed: also a call that nobody could be asked to serve after its head had left."""

_USAGE_MEMBERS: Final = {
    "input_cached": "cached_input_tokens",
    "input_cache_write": "cache_write_tokens",
    "input_cache_write_1h": "cache_write_1h_tokens",
    "input_audio": "audio_input_tokens",
    "output_audio": "audio_output_tokens",
    "reasoning": "reasoning_tokens",
    "images": "images",
    "duration_ms": "duration_ms",
    "characters": "characters",
    "tool_uses": "tool_uses",
}
_MEMBER_OF: Final = {name: member for member, name in _USAGE_MEMBERS.items()}


class SubjectPart(Struct, frozen=True, kw_only=True):
    """Whose receipt it is, under a pseudonym, and which of theirs: numbers run from 1 without a gap."""

    ref: str
    seq: int


class ChargePart(Struct, frozen=True, kw_only=True):
    """What was reserved and what was paid, as text of whole numbers; the price's version; the ledger's posting."""

    currency: Literal["USD"]
    scale: Literal[9]
    reserved: str
    amount: str
    basis: ChargeBasis
    price: str
    rail: Literal["prepaid"]
    transfer: str


class Receipt(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The whole of it. A part that nobody can know any more is left out."""

    type: Literal["tallygate/inference-receipt/1"]
    claims: str
    issuer: str
    log: str
    id: str
    issued_ms: int
    subject: SubjectPart
    request: RequestPart
    response: ResponsePart
    usage: UsagePart
    charge: ChargePart
    forwarded: ForwardedPart | None = None
    route: RoutePart | None = None
    timing_ms: TimingPart | None = None
    dropped: tuple[str, ...] = ()
    guardrails: tuple[Guarded, ...] = ()


class Issuer:
    """Who vouches, in which log. `subject_key` makes the pseudonyms: 32 secret bytes that stay the same for good."""

    __slots__ = ("_log", "_name", "_subject_key", "_subjects")

    def __init__(self, name: str, log: str, subject_key: bytes) -> None:
        self._name = name
        self._log = log
        self._subject_key = subject_key
        self._subjects: dict[str, str] = {}

    def name_subject(self, workspace_id: str) -> str:
        """The account's pseudonym: who knows two receipts sees that they are of one account, and not of which."""
        known = self._subjects.get(workspace_id)
        if known is None:
            if len(self._subjects) >= _SUBJECTS_MAX:
                self._subjects.clear()
            made = hmac.digest(self._subject_key, b"tallygate: subject\0" + workspace_id.encode(), "sha256")
            known = self._subjects[workspace_id] = write_digest(made)
        return known

    def draft(
        self,
        details: Details,
        workspace_id: str,
        address: str,
        basis: ChargeBasis,
        seed: bytes,
        commitments: Mapping[Label, str],
    ) -> ReceiptDraft:
        """The receipt of a call whose end was seen. `address` is method and path, as in ``POST /v1/messages``;
        `commitments` are those made under `seed`.
        """
        method, _, endpoint = address.partition(" ")
        return ReceiptDraft(
            issuer=self._name,
            log=self._log,
            subject=self.name_subject(workspace_id),
            basis=basis,
            request=RequestPart(
                model=_fit(details.request_model),
                endpoint=_fit(endpoint),
                method=_fit(method),
                stream=details.stream,
                commit=commitments.get("request", ""),
                params_commit=commitments.get("request.params", ""),
                policy=details.policy,
            ),
            forwarded=ForwardedPart(
                attempts=tuple(map(_fit_attempt, details.attempts)),
                commit=commitments.get("forwarded", ""),
            ),
            response=ResponsePart(
                status=name_status(details.status),
                complete=details.status == "ok",
                finish=_fit_list(details.finish_reasons),
                error=_fit(details.error_code),
                commit=commitments.get("response", ""),
                content_commit=commitments.get("response.content", ""),
            ),
            route=_draft_route(details),
            usage=_draft_usage(details),
            timing_ms=TimingPart(total=details.duration_ms, ttft=details.first_chunk_ms),
            dropped=_fit_list(details.dropped),
            guardrails=tuple(map(_fit_guarded, details.guardrails[:_LIST_MAX])),
            seed=seed,
        )

    def draft_unseen(self, hold: Hold, status: ReceiptStatus, basis: ChargeBasis) -> ReceiptDraft:
        """The receipt of a call of which only its hold is left: its process died, or its bill, or its receipt, broke
        inside the gateway.
        """
        return ReceiptDraft(
            issuer=self._name,
            log=self._log,
            subject=self.name_subject(hold.workspace_id),
            basis=basis,
            request=RequestPart(model=_fit(hold.model)),
            response=ResponsePart(status=status, complete=status == "ok"),
            usage=UsagePart(source="counted", input=0, output=0),
        )


def name_status(status: str) -> ReceiptStatus:
    """How a receipt says that a call ended, `outcome.Status`, so."""
    return _STATUSES.get(status, "failed")


def complete(draft: ReceiptDraft, posted: Posted) -> bytes:
    """The receipt's bytes, which never change again. What the ledger knows is taken from the posting, so that the two
    cannot differ. Never fails: by now the money has moved.
    """
    hold = posted.hold
    return write_struct(
        Receipt(
            type=RECEIPT,
            claims=CLAIMS,
            issuer=draft.issuer,
            log=draft.log,
            id=hold.id,
            issued_ms=(hold.ended_at_ns or 0) // _NS_PER_MS,
            subject=SubjectPart(ref=draft.subject, seq=hold.sequence),
            request=draft.request,
            forwarded=draft.forwarded,
            response=draft.response,
            route=draft.route,
            usage=replace(draft.usage, input=fit_integer(hold.input_tokens), output=fit_integer(hold.output_tokens)),
            timing_ms=draft.timing_ms,
            charge=ChargePart(
                currency=CURRENCY,
                scale=SCALE,
                reserved=str(hold.amount_nusd),
                amount=str(hold.charged_nusd),
                basis=draft.basis,
                price=hold.price_version,
                rail="prepaid",
                transfer=posted.transfer_id,
            ),
            dropped=draft.dropped,
            guardrails=draft.guardrails,
        )
    )


def read_receipt(data: bytes) -> Receipt:
    """The receipt of canonical bytes. Members that it does not know are as signed as the others, and ignored.

    Raises NotCanonical, and msgspec.ValidationError if a member is missing or of another kind.
    """
    return msgspec.convert(read_canonical(data), Receipt)


def read_usage(receipt: Receipt) -> Usage:
    """What was used, in the words that prices are reckoned with."""
    parts = {name: getattr(receipt.usage, member) for member, name in _USAGE_MEMBERS.items()}
    return Usage(input_tokens=receipt.usage.input, output_tokens=receipt.usage.output, **parts)


def _draft_route(details: Details) -> RoutePart | None:
    if not details.provider:
        return None
    return RoutePart(
        provider=_fit(details.provider),
        model=_fit(details.model),
        fallback=len(details.attempts) > 1,
        reported_model=_fit(details.response_model),
        sold_as=_fit(details.sold_as),
    )


def _draft_usage(details: Details) -> UsagePart:
    given = [(_MEMBER_OF.get(name), count) for name, count in details.usage.items()]
    counts = {member: fit_integer(count) for member, count in given if member is not None}
    return UsagePart(source=details.usage_source, input=0, output=0, **counts)


def _fit_attempt(tried: Tried) -> Tried:
    return Tried(_fit(tried.provider), _fit(tried.model), tried.status, _fit(tried.error))


def _fit_guarded(guarded: Guarded) -> Guarded:
    return Guarded(guarded.stage, _fit(guarded.name), guarded.action, fit_integer(guarded.count))


def _fit_list(texts: tuple[str, ...]) -> tuple[str, ...]:
    """The texts, at most a hundred; if there are more, the last one says how many are missing."""
    listed = tuple(_fit(text) for text in texts[:_LIST_MAX])
    missing = len(texts) - _LIST_MAX
    return listed if missing <= 0 else (*listed, f"and {missing} more")


def _fit(text: str) -> str:
    return fit_text(text, _NAME_CHARACTERS_MAX)
