"""The keys of the log, as one text for one file: private checkpoint keys, and the key of the accounts' pseudonyms.

No file is touched here: who starts the gateway reads the text, or has it made, and keeps it for its user alone. All
replicas of a gateway have the same one, and losing it ends the log: nobody can sign for it again.
"""

import re
import secrets
from typing import Final, Literal

import msgspec
from msgspec import Struct

from tallygate.genai.secret import Secret
from tallygate.receipts import note
from tallygate.receipts.key_set import KEY_SET, KeySet, Log, PublicKey, Purpose

FORMAT: Final = "tallygate/receipt-keys/1"
FILE_NAME: Final = "receipt-keys.json"
"""What the file is called in the data folder."""
SUBJECT_KEY_BYTES: Final = 32
EARLY_MS: Final = 3_600_000
"""A new key is valid from an hour before it was made: the clock of another replica may be behind."""

_HEX = re.compile(rf"[0-9a-f]{{{2 * SUBJECT_KEY_BYTES}}}", re.ASCII)


class BadKeyFile(ValueError):
    """The text is not a usable file of keys. The message shows nothing of it."""


class _FiledKey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    private_key: str
    purpose: Purpose
    status: Literal["active", "retired", "revoked"]
    not_before_ms: int
    not_after_ms: int | None = None


class _FiledLog(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    origin: str
    status: Literal["active", "frozen"]
    keys: tuple[_FiledKey, ...]
    final_checkpoint: str = ""


class _File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    type: Literal["tallygate/receipt-keys/1"]
    issuer: str
    subject_key: str
    logs: tuple[_FiledLog, ...]


class LogKeys(Struct, frozen=True, kw_only=True):
    """What the file holds. `signer` signs the checkpoints of the one log that is active, under its origin.

    `subject_key` is for `receipt.Issuer`. `public` is what may be published.
    """

    issuer: str
    origin: str
    signer: note.Signer
    not_before_ms: int
    not_after_ms: int | None
    subject_key: bytes
    public: KeySet

    def __repr__(self) -> str:
        """Without the keys: neither of them may be printed with what holds it."""
        return f"LogKeys(origin={self.origin!r})"


def make_key_file(now_ms: int, *, origin: str = "", issuer: str = "") -> str:
    """A new file with one log and one key, valid from now on and a little before.

    Without an origin it gets one that nobody else has; without an issuer, the origin's. Raises note.BadKey for an
    origin no key can have.
    """
    origin = origin or f"tallygate/{secrets.token_hex(8)}"
    key = _FiledKey(
        private_key=note.generate(origin).export().reveal(),
        purpose="checkpoint",
        status="active",
        not_before_ms=now_ms - EARLY_MS,
    )
    file = _File(
        type=FORMAT,
        issuer=issuer or origin,
        subject_key=secrets.token_hex(SUBJECT_KEY_BYTES),
        logs=(_FiledLog(origin=origin, status="active", keys=(key,)),),
    )
    return msgspec.json.format(msgspec.json.encode(file), indent=2).decode()


def read_key_file(text: Secret) -> LogKeys:
    """The keys in the text. Raises BadKeyFile."""
    try:
        file = msgspec.json.decode(text.reveal(), type=_File)
        logs = tuple(map(_publish, file.logs))
    except (msgspec.DecodeError, note.BadKey) as error:
        raise BadKeyFile(f"this is not a file of keys for receipts: {error}") from None
    active = [log for log in file.logs if log.status == "active"]
    keys = [key for log in active for key in log.keys if key.status == "active"]
    if len(active) != 1 or len(keys) != 1 or not _HEX.fullmatch(file.subject_key):
        raise BadKeyFile("a file of keys for receipts has one active log with one active key, and a subject_key")
    return LogKeys(
        issuer=file.issuer,
        origin=active[0].origin,
        signer=note.read_signer(Secret(keys[0].private_key)),
        not_before_ms=keys[0].not_before_ms,
        not_after_ms=keys[0].not_after_ms,
        subject_key=bytes.fromhex(file.subject_key),
        public=KeySet(type=KEY_SET, issuer=file.issuer, logs=logs),
    )


def _publish(log: _FiledLog) -> Log:
    return Log(
        origin=log.origin,
        status=log.status,
        keys=tuple(_publish_key(key, log.origin) for key in log.keys),
        final_checkpoint=log.final_checkpoint,
    )


def _publish_key(key: _FiledKey, origin: str) -> PublicKey:
    verifier = note.read_signer(Secret(key.private_key)).verifier
    if verifier.name != origin:
        raise note.BadKey("a checkpoint key has its log's origin for a name")
    return PublicKey(
        vkey=verifier.vkey,
        purpose=key.purpose,
        status=key.status,
        not_before_ms=key.not_before_ms,
        not_after_ms=key.not_after_ms,
    )
