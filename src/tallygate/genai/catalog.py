"""Which models exist here, where each is served, and what each of them can do. Pure values: `providers` makes offers,
`router` makes records of them. What one call asks of a model is in `needs.py`.
"""

from typing import Final, Literal, get_args

from msgspec import Struct

from tallygate.genai.plan import Target

Quality = Literal["real", "test"]
"""`test` models (mock/*, test/*) exist to try the plumbing and never stand under a real model's name."""

Capability = Literal["vision", "audio", "pdf", "tools", "json_mode", "json_schema", "reasoning"]
"""What a chat model may be able to do: see pictures, hear sounds, read documents, call tools, answer in JSON of any
shape, answer in JSON of a given shape, think before it answers.
"""

CAPABILITIES: Final[tuple[Capability, ...]] = get_args(Capability)


class Capabilities(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a model can do. None: nobody says, so the call is passed on and its provider decides."""

    vision: bool | None = None
    audio: bool | None = None
    pdf: bool | None = None
    tools: bool | None = None
    json_mode: bool | None = None
    json_schema: bool | None = None
    reasoning: bool | None = None

    def knows(self, capability: Capability) -> bool | None:
        """Whether the model can do that; None where nobody says."""
        known: bool | None = getattr(self, capability)
        return known

    @property
    def lacking(self) -> frozenset[Capability]:
        """What the model is known not to be able to do."""
        return frozenset(name for name in CAPABILITIES if self.knows(name) is False)


UNKNOWN: Final = Capabilities()


def overlay(*said: Capabilities) -> Capabilities:
    """What several say of one model: of each capability what the first of them says that says anything."""

    def first(name: Capability) -> bool | None:
        return next((known for one in said if (known := one.knows(name)) is not None), None)

    return Capabilities(**{name: first(name) for name in CAPABILITIES})


def join(targets: "tuple[Capabilities, ...]") -> Capabilities:
    """What a name can do that several targets serve: what one of them can, for a call goes to those that can."""

    def any_of(name: Capability) -> bool | None:
        known = [one.knows(name) for one in targets]
        return True if True in known else None if None in known or not known else False

    return Capabilities(**{name: any_of(name) for name in CAPABILITIES})


class Offer(Struct, frozen=True):
    """One model that one provider says it serves. `model` is the provider's own name; `created_s` Unix seconds, 0
    unknown.

    `bare` offers may also be called by that name alone, without ``provider/`` before it. `operations` is what can be
    asked of it; empty: all that its provider serves. `output_tokens_max` is its longest answer.
    """

    provider: str
    model: str
    quality: Quality = "real"
    created_s: int = 0
    context_tokens: int | None = None
    bare: bool = True
    output_tokens_max: int | None = None
    capabilities: Capabilities = UNKNOWN
    operations: frozenset[str] = frozenset()


class ModelRecord(Struct, frozen=True):
    """A name a client may call, and the equal targets behind it, in order.

    `aliases` are the model's other names; a record of such a name has the model's in `alias_of`. `operations` is what
    can be asked of it: chat, embed, …
    """

    id: str
    targets: tuple[Target, ...]
    owned_by: str
    quality: Quality = "real"
    created_s: int = 0
    context_tokens: int | None = None
    output_tokens_max: int | None = None
    capabilities: Capabilities = UNKNOWN
    operations: frozenset[str] = frozenset()
    aliases: tuple[str, ...] = ()
    alias_of: str = ""
