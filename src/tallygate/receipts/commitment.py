"""Commitments: a receipt names the very bytes of request and answer without giving anything of them away.

Each receipt has a random seed, each field a salt of its own derived from it. Who has the salt can open that one field
and no other; who has only the commitment cannot even try guesses, unlike with a plain digest of a guessable prompt.
Pure: the seed is its caller's, who keeps it for the account's owner alone and never logs it. HMAC is that of RFC 2104
with SHA-256, text is base64url without padding (RFC 4648, section 5).

    salt       = HMAC(seed, label)
    commitment = HMAC(salt, label ‖ 0x00 ‖ bytes)
"""

import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING, Final, Literal

from tallygate.receipts import base64_text

if TYPE_CHECKING:
    from _hashlib import HASH

Label = Literal["request", "request.params", "forwarded", "response", "response.content"]
"""Which bytes: the request's body as received; its members without the conversation; the body that was last sent to a
provider; the answer's body as it left, without our own comments; the assembled answer.
"""

LABELS: Final[tuple[Label, ...]] = ("request", "request.params", "forwarded", "response", "response.content")

SEED_BYTES: Final = 32
DIGEST_BYTES: Final = 32

# A key of up to 64 bytes is padded with zeros to a block of the hash, then each byte is turned (RFC 2104, section 2).
_BLOCK_BYTES: Final = 64
_INNER: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER: Final = bytes(byte ^ 0x5C for byte in range(256))

_LABEL_BYTES: Final = {label: label.encode() for label in LABELS}
_PREFIXES: Final = {label: label.encode() + b"\0" for label in LABELS}
_TO_URL: Final = bytes.maketrans(b"+/", b"-_")
# The letters of the other base64 are no letters of this one.
_FROM_URL: Final = str.maketrans("-_+/", "+/!!")


class Sealer:
    """Makes the commitments of one receipt, whose seed it is."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, seed: bytes) -> None:
        """Raises ValueError if the seed is too short to hide anything."""
        if len(seed) != SEED_BYTES:
            raise ValueError(f"a seed has {SEED_BYTES} bytes")
        self._inner, self._outer = _begin(seed)

    def derive_salt(self, label: Label) -> bytes:
        """What opens one field."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(_LABEL_BYTES[label])
        outer.update(inner.digest())
        return outer.digest()

    def commit(self, label: Label, data: bytes) -> str:
        """The commitment to bytes that are at hand."""
        return _commit(self.derive_salt(label), label, data)

    def begin(self, label: Label) -> "Committing":
        """A commitment to bytes that are still to come."""
        return Committing(self.derive_salt(label), label)


class Committing:
    """A commitment while its bytes go by, for bodies that are never in memory as a whole."""

    __slots__ = ("_inner", "_outer", "update")

    def __init__(self, salt: bytes, label: Label) -> None:
        self._inner, self._outer = _begin(salt)
        self._inner.update(_PREFIXES[label])
        # The next bytes. The split of the bytes over calls never changes the commitment.
        self.update = self._inner.update

    def finish(self) -> str:
        """The commitment to all bytes so far."""
        self._outer.update(self._inner.digest())
        return write_digest(self._outer.digest())


def derive_salt(seed: bytes, label: Label) -> bytes:
    """What opens one field. Raises ValueError if the seed is too short to hide anything."""
    return Sealer(seed).derive_salt(label)


def commit(seed: bytes, label: Label, data: bytes) -> str:
    """One commitment to bytes that are at hand."""
    return Sealer(seed).commit(label, data)


def is_opened(commitment: str, salt: bytes, label: Label, data: bytes) -> bool:
    """Whether `data` are the bytes that were committed to."""
    return hmac.compare_digest(commitment.encode(), _commit(salt, label, data).encode())


def write_digest(digest: bytes) -> str:
    """32 bytes as 43 letters."""
    return binascii.b2a_base64(digest, newline=False).translate(_TO_URL, b"=").decode()


def read_digest(text: str) -> bytes | None:
    """32 bytes from their one spelling; None if it is none."""
    try:
        digest = base64_text.decode(f"{text.translate(_FROM_URL)}=")
    except ValueError:
        return None
    return digest if len(digest) == DIGEST_BYTES else None


def _commit(salt: bytes, label: Label, data: bytes) -> str:
    inner, outer = _begin(salt)
    inner.update(_PREFIXES[label])
    inner.update(data)
    outer.update(inner.digest())
    return write_digest(outer.digest())


def _begin(key: bytes) -> tuple["HASH", "HASH"]:
    """The two hashes of an HMAC under a key of up to 64 bytes: the inner one, of the message, and the outer one, of the
    inner one's digest.

    The one-shot HMAC of OpenSSL lets go of the interpreter for a hash of a microsecond, and under load waits 100 µs to
    get it back; `hashlib` does so for 2 KiB and more only. A receipt needs ten.
    """
    padded = key.ljust(_BLOCK_BYTES, b"\0")
    return hashlib.sha256(padded.translate(_INNER)), hashlib.sha256(padded.translate(_OUTER))
