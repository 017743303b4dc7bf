"""The spool's key: 32 random bytes under which kept answers are sealed, in a file apart from them.

Replicas that are to read each other's kept answers have the same file. Losing it costs only those answers.
"""

import re
import secrets
from pathlib import Path

from tallygate.access.secret_file import BadSecret, read_or_create

SPOOL_KEY_BYTES = 32

_HEX = re.compile(rf"[0-9A-Fa-f]{{{2 * SPOOL_KEY_BYTES}}}")


def load_or_create_spool_key(path: Path) -> bytes:
    """The key in the file, which is made where it is missing. Raises BadSecret."""
    text = read_or_create(path, lambda: secrets.token_hex(SPOOL_KEY_BYTES))
    if not _HEX.fullmatch(text):
        raise BadSecret(
            f"The file {path} must hold {2 * SPOOL_KEY_BYTES} hexadecimal digits: the key of kept answers.\n"
            "Delete it to have one made; answers kept until now cannot be given again then."
        )
    return bytes.fromhex(text)
