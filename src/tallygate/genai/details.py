"""The story of one ended call, as it is kept with its hold for its owner to read: what was asked, who served it, what
was counted and how. Never a prompt, an answer, a key or a provider's address.
"""

from typing import Literal

import msgspec
from msgspec import Struct

UsageSource = Literal["provider", "counted", "estimated"]
"""Who says how much was used: the provider; the gateway, from what it handed on; or nobody, and it is a guess."""


class Tried(Struct, frozen=True, omit_defaults=True):
    """One attempt. `error` is the code of what it failed with."""

    provider: str
    model: str
    status: int = 0
    error: str = ""


class Guarded(Struct, frozen=True):
    """What one guardrail did at one stage, and how often: never what it found."""

    stage: str
    name: str
    action: str
    count: int


class Details(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Times are in milliseconds from the request's arrival. `usage` holds the counts that are known, by their names;
    `sold_as` is the name whose price is paid, where it is another than the caller used; `policy` the digest of the
    policy that the call came under.
    """

    request_id: str
    operation: str
    dialect: str
    stream: bool = False
    status: str
    request_model: str
    response_model: str = ""
    provider: str = ""
    model: str = ""
    sold_as: str = ""
    usage: dict[str, int] = {}
    usage_source: UsageSource
    finish_reasons: tuple[str, ...] = ()
    attempts: tuple[Tried, ...] = ()
    dropped: tuple[str, ...] = ()
    guardrails: tuple[Guarded, ...] = ()
    error_code: str = ""
    policy: str = ""
    first_chunk_ms: int | None = None
    duration_ms: int = 0


def write_details(details: Details) -> str:
    """The JSON text that is kept."""
    return msgspec.json.encode(details).decode()


def read_details(text: str) -> Details | None:
    """What is kept, or None where nothing is: the call's process died before it could tell."""
    return _DECODER.decode(text) if text else None


_DECODER = msgspec.json.Decoder(Details)
