"""The public keys of an issuer and its logs, as they are published: who may sign what, from when, until when.

A log has one checkpoint key for its whole life; another key is another log (docs/reference/receipts.md). Pure. A
verifier pins keys it got elsewhere: this document says what the issuer claims, it does not vouch for itself.
"""

from typing import Final, Literal

from msgspec import Struct

KEY_SET: Final = "tallygate/keys/1"

Purpose = Literal["checkpoint"]
"""What a key signs and nothing else: checkpoints of the log it is listed under."""


class PublicKey(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`vkey` is a verifier key of signed notes. Times are milliseconds UTC; without `not_after_ms` it has no end."""

    vkey: str
    purpose: Purpose
    status: Literal["active", "retired", "revoked"]
    not_before_ms: int
    not_after_ms: int | None = None


class Log(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One log. A frozen one takes no more entries, and `final_checkpoint` is the last that it published."""

    origin: str
    status: Literal["active", "frozen"]
    keys: tuple[PublicKey, ...]
    final_checkpoint: str = ""


class KeySet(Struct, frozen=True, kw_only=True):
    """The document: the issuer's logs, the oldest first."""

    type: Literal["tallygate/keys/1"]
    issuer: str
    logs: tuple[Log, ...]
