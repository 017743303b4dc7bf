"""The pepper: 32 random bytes under which API keys are digested, kept away from the database that holds the digests.

A stolen database alone tells nothing about any key. The database remembers the pepper's fingerprint, so that starting
with the wrong one is noticed at once and not key by key.
"""

import hmac
import re
import secrets
from pathlib import Path

from tallygate.access.secret_file import BadSecret, read_or_create
from tallygate.genai.secret import Secret

PEPPER_BYTES = 32

_HEX = re.compile(rf"[0-9A-Fa-f]{{{2 * PEPPER_BYTES}}}")


def load_or_create_pepper(path: Path, given: Secret | None) -> bytes:
    """The pepper that was given, else the one in the file, which is made where it is missing. Raises BadSecret."""
    text = given.reveal().strip() if given is not None else read_or_create(path, _make)
    if not _HEX.fullmatch(text):
        source = "TALLYGATE_KEYS__PEPPER" if given is not None else f"The file {path}"
        raise BadSecret(
            f"{source} must hold {2 * PEPPER_BYTES} hexadecimal digits: the pepper under which API keys are stored.\n"
            "Put back the pepper that this database was first used with, or make one for a new database "
            f"with: openssl rand -hex {PEPPER_BYTES}"
        )
    return bytes.fromhex(text)


def fingerprint(pepper: bytes) -> str:
    """A name for the pepper that gives nothing of it away: 16 hexadecimal digits."""
    return hmac.digest(pepper, b"tallygate: fingerprint of the key pepper", "sha256").hex()[:16]


def _make() -> str:
    return secrets.token_hex(PEPPER_BYTES)
