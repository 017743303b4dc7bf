"""What an API key looks like, and the digest under which it is stored.

A key is the prefix, a class letter, `_`, 32 random base62 symbols, and a CRC-32 of everything before it in six more.
The checksum spares the database every mistyped or made-up key; it protects nothing else. Secret scanners can search for
`lx-[ka]_[0-9A-Za-z]{38}`. No database and no file here.
"""

import hmac
import re
import secrets
import zlib

from msgspec import Struct

from tallygate.genai.secret import Secret

TENANT = "k"
"""Class of a key that calls models for a workspace."""

ADMIN = "a"
"""Class of a key that opens the admin plane: the admin key, which is not in the database, and those of operators."""

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
RANDOM_SYMBOLS = 32
CHECKSUM_SYMBOLS = 6

_TAIL = re.compile(rf"[{TENANT}{ADMIN}]_[0-9A-Za-z]{{{RANDOM_SYMBOLS + CHECKSUM_SYMBOLS}}}")


class Minter(Struct, frozen=True):
    """What making a key needs: the pepper for its digest and the prefix for its looks."""

    pepper: bytes
    prefix: str

    def __repr__(self) -> str:
        # A struct prints its fields, and the pepper must not be printed.
        return f"Minter(prefix={self.prefix!r})"


def mint(prefix: str, letter: str) -> Secret:
    """A new key of a class: 190 random bits."""
    body = f"{prefix}{letter}_" + "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_SYMBOLS))
    return Secret(body + checksum(body))


def well_formed(text: str, prefix: str) -> bool:
    """Whether this could be a key: prefix, class, alphabet, length and checksum."""
    if not text.startswith(prefix) or not _TAIL.fullmatch(text, len(prefix)):
        return False
    return text[-CHECKSUM_SYMBOLS:] == checksum(text[:-CHECKSUM_SYMBOLS])


def checksum(body: str) -> str:
    """CRC-32 (that of zlib and PNG) of an ASCII text as six base62 symbols, most significant first."""
    rest = zlib.crc32(body.encode("ascii"))
    symbols = ""
    for _ in range(CHECKSUM_SYMBOLS):
        rest, digit = divmod(rest, len(ALPHABET))
        symbols = ALPHABET[digit] + symbols
    return symbols


def digest(pepper: bytes, text: str) -> bytes:
    """HMAC-SHA-256 of a well-formed key under the pepper: 32 bytes, the only form in which a key is stored.

    A fast digest is right here: 190 random bits leave nothing to guess, unlike a password.
    """
    return Digester(pepper)(text)


class Digester:
    """Makes digests under one pepper. It keeps the hash as it is after the pepper: OpenSSL's one-shot HMAC would begin
    anew each time and let go of the interpreter meanwhile, which costs a call that other threads wait behind more than
    the hash itself.
    """

    def __init__(self, pepper: bytes) -> None:
        self._begun = hmac.new(pepper, digestmod="sha256")

    def __call__(self, text: str) -> bytes:
        """As `digest`, for ASCII text."""
        hashed = self._begun.copy()
        hashed.update(text.encode("ascii"))
        return hashed.digest()
