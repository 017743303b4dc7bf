"""Ids of tool calls that survive this wire, which takes letters, digits, hyphens and underscores only.

An id of another dialect that has anything else in it is written in base64 (RFC 4648 section 5) behind a mark of ours,
and read back to what it was when a client or a transcript brings it again. Every other id stays as it is.
"""

import base64
import binascii
import re
from typing import Final

_MARK: Final = "tally64_"
_TAKEN = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


def write_call_id(id_: str) -> str:
    """An id as this wire takes it. `read_call_id` gives the same id back."""
    if _TAKEN.fullmatch(id_) and read_call_id(id_) == id_:
        return id_
    return _MARK + base64.urlsafe_b64encode(id_.encode()).decode().rstrip("=")


def read_call_id(id_: str) -> str:
    """An id as it was before it was written for this wire."""
    if not id_.startswith(_MARK):
        return id_
    text = id_.removeprefix(_MARK)
    try:
        original = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return id_
    return original
