"""Values in TOML's spelling, for a file that a person reads and goes on with. Source: toml.io/en/v1.0.0."""

import re
from collections.abc import Mapping, Sequence
from typing import cast

import msgspec

_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")


def spell(value: object) -> str:
    """A value on one line: text, whole numbers, true and false, lists, and tables in braces."""
    if isinstance(value, str):
        # JSON's escapes are TOML's; of what TOML wants escaped JSON leaves only this one.
        return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        pairs = cast("Mapping[str, object]", value).items()
        return "{ " + ", ".join(f"{spell_key(key)} = {spell(inner)}" for key, inner in pairs) + " }"
    if isinstance(value, Sequence):
        return "[" + ", ".join(spell(item) for item in cast("Sequence[object]", value)) + "]"
    return str(value)


def spell_key(key: str) -> str:
    """A key, in quotes where it must be."""
    return key if _BARE.match(key) else spell(key)
