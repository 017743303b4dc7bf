"""Idempotency-Keys: how one is read from a request, and what stands for it in the book (docs/reference/idempotency.md).

A key belongs to one user of one workspace: the same text from somebody else is another key. The text itself is not
kept, only a digest.
"""

import hashlib
from collections.abc import Iterable
from typing import Final

from tallygate.access.principal import Principal
from tallygate.errors import InvalidIdempotencyKey
from tallygate.genai.items import ClaimRequest

HEADER: Final = b"idempotency-key"
KEY_CHARACTERS_MAX: Final = 255

_NS_PER_S: Final = 1_000_000_000


def read_claim_key(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The Idempotency-Key among a request's headers (lower-case name, value). Raises InvalidIdempotencyKey."""
    given = [value for name, value in headers if name == HEADER]
    if not given:
        return None
    text = given[0].decode("latin-1")
    if len(given) > 1 or not 0 < len(text) <= KEY_CHARACTERS_MAX or not all("!" <= sign <= "~" for sign in text):
        raise InvalidIdempotencyKey
    return text


def make_claim(principal: Principal, key: str, request_digest: bytes, keep_s: int) -> ClaimRequest:
    """What the book keeps of a key. Each part ends in a zero byte, which none of them holds: no two keys meet."""
    parts = (principal.workspace_id, principal.user_id, key)
    digest = hashlib.sha256(b"".join(part.encode() + b"\0" for part in parts))
    return ClaimRequest(digest.hexdigest(), request_digest, keep_s * _NS_PER_S)


def digest_request(address: str, body: bytes) -> bytes:
    """What makes two requests the same: method and path (``POST /v1/messages``), and every byte of the body."""
    return hashlib.sha256(address.encode() + b"\0" + body).digest()
