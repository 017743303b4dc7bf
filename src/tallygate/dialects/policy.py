"""The policy a caller may send with a call: where it may be served, how fast, at which price, how privately.

Read into the wishes that the router obeys; `docs/reference/run.md` tells each member. What cannot be kept here is
refused with the reason, never passed over. Prices are read as decimal fractions: a binary one is another price.
"""

from decimal import ROUND_DOWN, Context, Decimal
from hashlib import sha256
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from tallygate.dialects.faults import explain
from tallygate.dialects.scan import list_members
from tallygate.errors import InvalidValue
from tallygate.genai.foreign_json import BYTES_MAX, even_out
from tallygate.genai.routing import Routing

FIELD: Final = "policy"
REASON: Final = "reject_reason"
"""The detail of a refusal that has the reason."""

_INVALID: Final = "INVALID_POLICY"
_REGIONS_MAX: Final = 64
_MS_MAX: Final = 86_400_000
_USD_MAX: Final = 1_000_000
_PUSD_PER_USD_PER_1K: Final = Decimal(10**9)
_EXACT: Final = Context(prec=28, rounding=ROUND_DOWN)

_Ms = Annotated[int, Meta(ge=1, le=_MS_MAX)]
_Region = Annotated[str, Meta(min_length=1, max_length=64)]


class _Attestation(Struct, forbid_unknown_fields=True):
    attestation_required: bool | None = None
    require_cc_on: bool | None = None
    # What is to happen where attestation is required and cannot be had: here requiring it is refused already.
    fallback_allowed: bool | None = None


class _Latency(Struct, forbid_unknown_fields=True):
    p95_ms_budget: _Ms | None = None
    hard_timeout_ms: _Ms | None = None


class _Cost(Struct, forbid_unknown_fields=True):
    max_price_per_1k_tokens_usd: Decimal | None = None
    spot_only: bool | None = None


class _Privacy(Struct, forbid_unknown_fields=True):
    store_inputs: bool | None = None
    redact_pii: bool | None = None


class _Policy(Struct, forbid_unknown_fields=True):
    policy_version: Annotated[str, Meta(min_length=1, max_length=64)]
    allow_regions: Annotated[list[_Region], Meta(max_length=_REGIONS_MAX)] | None = None
    residency_required: bool | None = None
    attestation: _Attestation | None = None
    latency: _Latency | None = None
    cost: _Cost | None = None
    privacy: _Privacy | None = None


_DECODER: Final = msgspec.json.Decoder(_Policy)
_GROUPS: Final = ("attestation", "latency", "cost", "privacy")

_FLAG: Final = "true or false"
_MS: Final = f"a whole number of milliseconds from 1 to {_MS_MAX}"
_EXPECTED: Final = {
    "policy": "an object with a policy_version",
    "policy.policy_version": "a string of 1 to 64 characters",
    "policy.allow_regions": f"a list of at most {_REGIONS_MAX} names of regions",
    "policy.allow_regions[]": "a string of 1 to 64 characters",
    "policy.residency_required": _FLAG,
    "policy.attestation": "an object",
    "policy.attestation.attestation_required": _FLAG,
    "policy.attestation.require_cc_on": _FLAG,
    "policy.attestation.fallback_allowed": _FLAG,
    "policy.latency": "an object",
    "policy.latency.p95_ms_budget": _MS,
    "policy.latency.hard_timeout_ms": _MS,
    "policy.cost": "an object",
    "policy.cost.max_price_per_1k_tokens_usd": f"a number from 0 to {_USD_MAX}",
    "policy.cost.spot_only": _FLAG,
    "policy.privacy": "an object",
    "policy.privacy.store_inputs": _FLAG,
    "policy.privacy.redact_pii": _FLAG,
}


def read_policy(value: bytes) -> Routing:
    """The wishes that a policy, a sound JSON value, says, and its digest. Raises InvalidValue whose details have the
    reason.
    """
    if len(value) > BYTES_MAX:
        raise _refuse(f"`policy` must not be longer than {BYTES_MAX} bytes.", FIELD)
    policy = _decode(value)
    _check_promises(policy)
    cost, latency, privacy = policy.cost or _Cost(), policy.latency or _Latency(), policy.privacy or _Privacy()
    price = None if cost.max_price_per_1k_tokens_usd is None else _read_price(cost.max_price_per_1k_tokens_usd)
    return Routing(
        regions=tuple(policy.allow_regions or ()),
        private=privacy.store_inputs is False,
        latency_ms_max=latency.p95_ms_budget,
        duration_ms_max=latency.hard_timeout_ms,
        input_pusd_max=price,
        output_pusd_max=price,
        policy_digest=sha256(even_out(value)).hexdigest(),
    )


def _decode(value: bytes) -> _Policy:
    try:
        policy = _DECODER.decode(value)
    except msgspec.ValidationError as error:
        raise _explain(error) from None
    # Of two members of one name we would obey the last, and whoever reads the policy later perhaps the first.
    members = list_members(value)
    within = [
        member
        for name, span in members
        if name in _GROUPS
        for member in _list_within(value[span.value_start : span.end])
    ]
    for names in ([name for name, _ in members], within):
        if len(set(names)) < len(names):
            raise _refuse("A member of `policy` stands twice, so its meaning is not certain.", FIELD)
    return policy


def _list_within(value: bytes) -> list[str]:
    """Names inside a group; no two groups have one in common."""
    return [name for name, _ in list_members(value)] if value.startswith(b"{") else []


def _explain(error: msgspec.ValidationError) -> InvalidValue:
    found = str(error)
    if found.startswith("Object contains unknown field `"):
        name = found.split("`")[1][:64]
        at = found.split("`$", 1)[1].rstrip("`") if "`$" in found else ""
        path = f"{FIELD}{at}.{name}"
        return _refuse(f"`{path}` is not a member of a policy.", path)
    told = explain(error, _EXPECTED, FIELD)
    return _refuse(told.message, told.param or FIELD)


def _check_promises(policy: _Policy) -> None:
    """Refuse what nobody here can keep."""
    attestation, cost, privacy = policy.attestation, policy.cost, policy.privacy
    if attestation and attestation.attestation_required:
        raise _refuse(
            "No provider here is attested.", "attestation.attestation_required", "ATTESTATION_REQUIRED_NOT_SUPPORTED"
        )
    if attestation and attestation.require_cc_on:
        raise _refuse(
            "No provider here is known to compute confidentially.",
            "attestation.require_cc_on",
            "CC_ON_REQUIRED_NOT_SUPPORTED",
        )
    if policy.residency_required and not policy.allow_regions:
        raise _refuse(
            "`policy.residency_required` needs `policy.allow_regions`: where is the data to stay?",
            "residency_required",
            "RESIDENCY_REQUIRED_NOT_SUPPORTED",
        )
    if policy.allow_regions == []:
        raise _refuse("`policy.allow_regions` allows no region at all.", "allow_regions", "REGION_NOT_ALLOWED")
    if cost and cost.spot_only:
        raise _refuse("No provider here sells spot capacity.", "cost.spot_only")
    if privacy and privacy.redact_pii:
        raise _refuse("Personal data is not taken out of requests here.", "privacy.redact_pii")


def _read_price(usd_per_1k: Decimal) -> int:
    """Pico-USD for a token. A fraction of one is no reason to pay more, so it is left off."""
    if not usd_per_1k.is_finite() or not 0 <= usd_per_1k <= _USD_MAX:
        path = "policy.cost.max_price_per_1k_tokens_usd"
        raise _refuse(f"`{path}` must be {_EXPECTED[path]}.", path)
    return int(_EXACT.multiply(usd_per_1k, _PUSD_PER_USD_PER_1K))


def _refuse(sentence: str, path: str, reason: str = _INVALID) -> InvalidValue:
    param = path if path.startswith(FIELD) else f"{FIELD}.{path}"
    return InvalidValue(sentence, param=param, details={REASON: reason})
