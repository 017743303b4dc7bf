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
from typing import Final, Literal

from tallygate.receipts import base64_text

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


class Committing:
    """A commitment while its bytes go by, for bodies that are never in memory as a whole."""

    __slots__ = ("_inner", "_key", "update")

    def __init__(self, seed: bytes, label: Label) -> None:
        self._key = derive_salt(seed, label).ljust(_BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(self._key.translate(_INNER) + _PREFIXES[label])
        # The next bytes. The split of the bytes over calls never changes the commitment.
        self.update = self._inner.update

    def finish(self) -> str:
        """The commitment to all bytes so far."""
        return write_digest(hashlib.sha256(self._key.translate(_OUTER) + self._inner.digest()).digest())


def derive_salt(seed: bytes, label: Label) -> bytes:
    """What opens one field. Raises ValueError if the seed is too short to hide anything."""
    if len(seed) != SEED_BYTES:
        raise ValueError(f"a seed has {SEED_BYTES} bytes")
    return _mac(seed, b"", _LABEL_BYTES[label])


def commit(seed: bytes, label: Label, data: bytes) -> str:
    """The commitment to bytes that are at hand."""
    return _commit(derive_salt(seed, label), label, data)


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
    return write_digest(_mac(salt, _PREFIXES[label], data))


def _mac(key: bytes, prefix: bytes, data: bytes) -> bytes:
    """HMAC with SHA-256 of `prefix` and `data` under a key of up to 64 bytes.

    The one-shot HMAC of OpenSSL lets go of the interpreter for a hash of a microsecond, and under load waits 100 µs to
    get it back; `hashlib` does that for 2 KiB and more only. A receipt needs ten.
    """
    padded = key.ljust(_BLOCK_BYTES, b"\0")
    inner = hashlib.sha256(padded.translate(_INNER) + prefix)
    inner.update(data)
    return hashlib.sha256(padded.translate(_OUTER) + inner.digest()).digest()
