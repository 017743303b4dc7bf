"""Which models exist here and where each is served. Pure values: `providers` makes offers, `router` makes records of
them.
"""

from typing import Literal

from msgspec import Struct

from tallygate.genai.plan import Target

Quality = Literal["real", "test"]
"""`test` models (mock/*, test/*) exist to try the plumbing and never stand under a real model's name."""


class Offer(Struct, frozen=True):
    """One model that one provider says it serves. `model` is the provider's own name; `created_s` Unix seconds, 0
    unknown.

    `bare` offers may also be called by that name alone, without ``provider/`` before it.
    """

    provider: str
    model: str
    quality: Quality = "real"
    created_s: int = 0
    context_tokens: int | None = None
    bare: bool = True


class ModelRecord(Struct, frozen=True):
    """A name a client may call, and the equal targets behind it, in order."""

    id: str
    targets: tuple[Target, ...]
    owned_by: str
    quality: Quality = "real"
    created_s: int = 0
    context_tokens: int | None = None
