"""What an operator may set about keys and limits, sections `[keys]` and `[limits]`. Values only; where they came
from is known to `config`.
"""

from typing import Annotated

from msgspec import Meta, Struct

from tallygate.genai.secret import Secret


class KeysSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How API keys look and under what pepper they are stored."""

    prefix: Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,15}\Z")] = "lx-"
    """What every API key begins with. Keys made under another prefix are refused."""

    wrong_per_minute: Annotated[int, Meta(ge=1, le=1_000_000)] = 30
    """Wrong keys from one address that are answered with 401; more are 429. Each worker counts for itself."""

    pepper: Secret | None = None
    """64 hexadecimal digits; from the environment only. None: made at the first start, in the file DATA/key-pepper."""


class LimitsSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What everybody may do where nothing else was said of a user or a key."""

    concurrency: Annotated[int, Meta(ge=1, le=10_000)] = 5
    """Calls that one user may have open at once, over all keys, doors, workers and replicas."""
