"""Where a provider's key comes from: a variable, or a file that a variable or the settings name.

A key is never written anywhere here, and no sentence holds one or a part of one.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from tallygate.genai.secret import Secret


class Key(Struct, frozen=True):
    """A key, and where it came from (``OPENAI_API_KEY is set``)."""

    key: Secret
    reason: str


class NoKey(Struct, frozen=True):
    """Why there is no key."""

    reason: str


def find_key(variables: Sequence[str], file: Path | None, environ: Mapping[str, str], own_prefix: str) -> Key | NoKey:
    """The key in the first of `variables` that is set, or in the file that ``NAME_FILE`` names; else in `file`.

    An empty variable counts as not set, for that is how compose files say it.
    """
    for name in variables:
        if text := environ.get(name, "").strip():
            return _check(text, name, own_prefix)
        if path := environ.get(f"{name}_FILE", ""):
            return _read(Path(path), f"{name}_FILE", own_prefix)
    if file is not None:
        return _read(file, "api_key_file", own_prefix)
    return NoKey(f"{variables[0]} is not set")


def _read(path: Path, source: str, own_prefix: str) -> Key | NoKey:
    try:
        text = path.expanduser().read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not a text file"
        return NoKey(f"{source} names a file that cannot be read: {reason}")
    return _check(text, source, own_prefix) if text else NoKey(f"{source} names an empty file")


def _check(text: str, source: str, own_prefix: str) -> Key | NoKey:
    if own_prefix and text.startswith(own_prefix):
        return NoKey(f"{source} holds a key of this gateway, which opens no provider")
    if not all("!" <= char <= "~" for char in text):
        return NoKey(f"{source} holds characters that no key has")
    return Key(Secret(text), f"{source} is set")
