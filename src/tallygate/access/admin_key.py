"""The admin key: given by the operator, or made at the first start and kept in a file.

It stands outside the database, so that the admin plane can be reached whatever state the database is in, and so that no
tenant's key can ever be promoted to it.
"""

import hashlib
import hmac
from pathlib import Path

from tallygate.access.keys import ADMIN, mint
from tallygate.access.secret_file import BadSecret, read_or_create
from tallygate.genai.secret import Secret

SYMBOLS_MIN = 20
SYMBOLS_MAX = 512


def load_or_create_admin_key(path: Path, given: Secret | None, prefix: str) -> Secret:
    """The key that was given, else the one in the file, which is made where it is missing. Raises BadSecret."""
    text = given.reveal().strip() if given is not None else read_or_create(path, lambda: mint(prefix, ADMIN).reveal())
    plain = text.isascii() and text.isprintable() and not set(text) & {" ", ","}
    if not plain or not SYMBOLS_MIN <= len(text) <= SYMBOLS_MAX:
        source = "TALLYGATE_ADMIN_KEY" if given is not None else f"The file {path}"
        raise BadSecret(
            f"{source} must hold {SYMBOLS_MIN} to {SYMBOLS_MAX} ASCII symbols without blanks or commas: "
            "the admin key.\nUnset or delete it to have one made."
        )
    return Secret(text)


class AdminKey:
    """Recognises the admin key without keeping it, in a time that does not tell how much of a guess was right."""

    def __init__(self, key: Secret) -> None:
        self._digest = _digest(key)

    def matches(self, credential: Secret) -> bool:
        """Whether the credential is the admin key."""
        return hmac.compare_digest(self._digest, _digest(credential))


def _digest(secret: Secret) -> bytes:
    return hashlib.sha256(secret.reveal().encode("utf-8", "surrogatepass")).digest()
