"""What an operator may set about kept answers, section `[idempotency]`. Values only; `config` fills them in."""

from typing import Annotated

from msgspec import Meta, Struct

_DAY_S = 24 * 3600


class IdempotencySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long and how much is kept of answers to calls that bore an Idempotency-Key. Sizes are in bytes."""

    # Longer than any SDK goes on retrying.
    keep_s: Annotated[int, Meta(ge=1, le=_DAY_S)] = 600
    # All kept answers together. 0 keeps none; a call is then still charged at most once.
    spool_bytes_max: Annotated[int, Meta(ge=0, le=1 << 50)] = 1 << 30
    # One answer. Longer ones are delivered but not kept.
    answer_bytes_max: Annotated[int, Meta(ge=0, le=1 << 40)] = 64 << 20
