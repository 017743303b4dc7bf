"""What an operator may set about one guardrail, section ``[guardrails.NAME]``. Which settings a kind heeds is known to
its own file; what is set in vain is refused by `registry`.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

Stage = Literal["input", "output"]
"""`input` is what is asked, before anything is held; `output` what a model says, before anybody hears it."""

Action = Literal["block", "redact", "note"]

Count = Annotated[int, Meta(ge=0, le=1_000_000_000)]


class GuardrailSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section ``[guardrails.NAME]``."""

    # regex, pii, secrets, size, models, tools, or the name under which an installed package offers one.
    kind: str = ""
    on: tuple[Stage, ...] = ("input", "output")
    # What follows where something is found. `note` only counts it.
    action: Action = "block"
    # For whom it stands: patterns (fnmatch) of ids, and of the names that are called; empty: for all.
    workspaces: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    # The lower one looks first, and the next one sees what it has left.
    order: int = 0
    # How many characters of a stream are kept back at its end, in which something found may still come about.
    look_back: Annotated[int, Meta(ge=16, le=65_536)] = 256
    # What stands in the place of what was found.
    replacement: str = "[redacted]"
    # Patterns of text (regex), or of names (models, tools).
    deny: tuple[str, ...] = ()
    # Of text: what is let be if it matches one of these as a whole. Of names: those that there may be.
    allow: tuple[str, ...] = ()
    # What is looked for (pii, secrets), by its names; empty: everything the kind knows.
    find: tuple[str, ...] = ()
    # How much there may be (size).
    characters_max: Count | None = None
    messages_max: Count | None = None
    images_max: Count | None = None
    # For the kind of an installed package, and read by it alone.
    options: dict[str, str] = field(default_factory=dict[str, str])
