"""Bytes sealed for rest: a stream of segments that can be neither read, changed, cut, reordered nor swapped unnoticed.

Pure: bytes in, bytes out. Each object has a key of its own, derived from the house's key and a salt (HMAC-SHA-256 as in
RFC 5869, section 2.2), so segment numbers can serve as nonces of AES-256-GCM (NIST SP 800-38D, section 8.2.1). The last
segment is marked as such under the seal, as in STREAM (Hoang et al., 2015, https://eprint.iacr.org/2015/189).

    object  = MAGIC, 32 bytes of salt, segment, segment, …, last segment
    segment = a mark (0, or 1 for the last), its sealed length in 4 bytes big endian, the sealed bytes

The nonce is the segment's number; the associated data are the object's name, the number and the mark.
"""

import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

KEY_BYTES = 32
SEGMENT_BYTES_MAX = 64 * 1024
"""The most a segment holds, unsealed."""

_MAGIC = b"tgseal1\n"
_SALT_BYTES = 32
_TAG_BYTES = 16
_NONCE_BYTES = 12
_LENGTH_BYTES = 4
_PREFIX_BYTES = len(_MAGIC) + _SALT_BYTES
_MARK_BYTES = 1 + _LENGTH_BYTES

OVERHEAD_BYTES = _MARK_BYTES + _TAG_BYTES
"""What sealing adds to a segment."""


class Damaged(Exception):
    """The bytes are not, or not wholly, what was sealed under this key and this name."""


class Segment(Struct, frozen=True):
    """An unsealed segment. Nothing may follow the last one."""

    data: bytes
    last: bool


class _Box:
    """The cipher of one object: numbers segments, and binds each to its number, its mark and the object's name."""

    def __init__(self, key: bytes, salt: bytes, name: str) -> None:
        assert len(key) == KEY_BYTES
        self._name = name.encode()
        self._cipher = AESGCM(hmac.digest(key, b"tallygate: key of an object" + salt, "sha256"))
        self._number = 0

    def seal(self, data: bytes, mark: int) -> bytes:
        nonce, bound_to = self._next(mark)
        return self._cipher.encrypt(nonce, data, bound_to)

    def open(self, data: bytes, mark: int) -> bytes:
        nonce, bound_to = self._next(mark)
        return self._cipher.decrypt(nonce, data, bound_to)

    def _next(self, mark: int) -> tuple[bytes, bytes]:
        nonce = self._number.to_bytes(_NONCE_BYTES, "big")
        self._number += 1
        return nonce, nonce + bytes((mark,)) + self._name


class Sealer:
    """Seals one object. The bytes it gives, joined in order, are the object."""

    def __init__(self, key: bytes, name: str) -> None:
        salt = secrets.token_bytes(_SALT_BYTES)
        self._box = _Box(key, salt, name)
        self._prefix = _MAGIC + salt

    def seal(self, data: bytes, *, last: bool = False) -> bytes:
        """The next segment of at most SEGMENT_BYTES_MAX. After the last one the object is whole."""
        assert len(data) <= SEGMENT_BYTES_MAX
        sealed = self._box.seal(data, last)
        prefix, self._prefix = self._prefix, b""
        return b"".join((prefix, bytes((last,)), len(sealed).to_bytes(_LENGTH_BYTES, "big"), sealed))


class Unsealer:
    """Opens one object, fed in pieces of any size. The split of the bytes over calls never changes the segments."""

    def __init__(self, key: bytes, name: str) -> None:
        self._key = key
        self._name = name
        self._box: _Box | None = None
        self._buffer = bytearray()
        self._ended = False

    def feed(self, data: bytes) -> list[Segment]:
        """The segments that `data` completes. Raises Damaged."""
        self._buffer += data
        if self._box is None:
            if len(self._buffer) < _PREFIX_BYTES:
                return []
            self._box = self._read_prefix()
        segments: list[Segment] = []
        while (segment := self._take(self._box)) is not None:
            segments.append(segment)
        if self._ended and self._buffer:
            raise Damaged("bytes after the last segment")
        return segments

    def finish(self) -> None:
        """Call it where the bytes end. Raises Damaged if the object is cut short."""
        if not self._ended:
            raise Damaged("no last segment")

    def _read_prefix(self) -> _Box:
        prefix = bytes(self._buffer[:_PREFIX_BYTES])
        del self._buffer[:_PREFIX_BYTES]
        if not prefix.startswith(_MAGIC):
            raise Damaged("not a sealed object")
        return _Box(self._key, prefix.removeprefix(_MAGIC), self._name)

    def _take(self, box: _Box) -> Segment | None:
        """The next segment out of the buffer, once it is there whole."""
        if self._ended or len(self._buffer) < _MARK_BYTES:
            return None
        mark, length = self._buffer[0], int.from_bytes(self._buffer[1:_MARK_BYTES], "big")
        if mark > 1 or not _TAG_BYTES <= length <= SEGMENT_BYTES_MAX + _TAG_BYTES:
            raise Damaged("not a segment")
        end = _MARK_BYTES + length
        if len(self._buffer) < end:
            return None
        sealed = bytes(self._buffer[_MARK_BYTES:end])
        del self._buffer[:end]
        try:
            data = box.open(sealed, mark)
        except InvalidTag:
            raise Damaged("a segment's seal is broken") from None
        self._ended = mark == 1
        return Segment(data, last=self._ended)
