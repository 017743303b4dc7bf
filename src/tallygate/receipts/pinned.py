"""The keys that a verifier trusts, because whoever asks got them elsewhere: a published key set, or one key by hand.

Pure. What is pinned is believed, so it is read with care but in any spelling of its JSON.
"""

from typing import Final

import msgspec

from tallygate.receipts import note
from tallygate.receipts.key_set import KEY_SET, KeySet, Log, PublicKey

PINNED_BYTES_MAX: Final = 1_048_576


class BadKeySet(ValueError):
    """These are no keys. The text says what is wrong with them."""


def read_pinned(data: bytes) -> KeySet:
    """The keys of a published document. Raises BadKeySet."""
    if len(data) > PINNED_BYTES_MAX:
        raise BadKeySet(f"a key set has at most {PINNED_BYTES_MAX} bytes")
    try:
        keys = msgspec.json.decode(data, type=KeySet)
        for log in keys.logs:
            _check_names(log)
    except RecursionError:
        raise BadKeySet("it is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError, note.BadKey) as error:
        raise BadKeySet(str(error)) from None
    return keys


def pin_key(vkey: str) -> KeySet:
    """The one key that somebody gave by hand: it may sign checkpoints of the log it names, whoever its issuer, at any
    time. Raises BadKeySet.
    """
    try:
        origin = note.read_verifier(vkey).name
    except note.BadKey as error:
        raise BadKeySet(str(error)) from None
    key = PublicKey(vkey=vkey, purpose="checkpoint", status="active", not_before_ms=0)
    return KeySet(type=KEY_SET, issuer="", logs=(Log(origin=origin, status="active", keys=(key,)),))


def _check_names(log: Log) -> None:
    for key in log.keys:
        if note.read_verifier(key.vkey).name != log.origin:
            raise BadKeySet("a checkpoint key has its log's origin for a name")
