"""A bundle: a receipt and the proof that it is in the log, in one file that needs nothing else but the log's key.

Canonical JSON as a whole, so that no byte of it can be changed unseen. It never brings a key: whoever made a bundle up
would bring a key that fits. Pure.
"""

from collections.abc import Mapping
from typing import Final, cast

import msgspec
from msgspec import Struct

from tallygate.receipts.canonical import NotCanonical, Value, read_canonical, write_canonical
from tallygate.receipts.commitment import LABELS, Label, read_digest, write_digest
from tallygate.receipts.entries import Entry, read_entry

BUNDLE_BYTES_MAX: Final = 262_144

_ENCODER: Final = msgspec.json.Encoder(order="sorted")
_MEMBERS: Final = {"receipt", "proof", "openings"}


class BadBundle(ValueError):
    """This is no bundle. The text says why."""


class Bundle(Struct, frozen=True):
    """The receipt's bytes and what they say; the proof's text (`tlog_proof`); the salts that open fields, by label.

    The receipt may be any other entry of the log.
    """

    body: bytes
    entry: Entry
    proof: bytes
    openings: Mapping[Label, bytes]


def write_bundle(body: bytes, proof: bytes, openings: Mapping[Label, bytes] | None = None) -> bytes:
    """The bundle of a receipt's canonical bytes and a proof."""
    members: dict[str, object] = {"proof": proof.decode(), "receipt": msgspec.Raw(body)}
    if openings:
        members["openings"] = {label: write_digest(salt) for label, salt in openings.items()}
    return _ENCODER.encode(members)


def read_bundle(data: bytes) -> Bundle:
    """Take a bundle apart without believing it. One newline at its end is allowed. Raises BadBundle."""
    if len(data) > BUNDLE_BYTES_MAX:
        raise BadBundle(f"a bundle has at most {BUNDLE_BYTES_MAX} bytes")
    try:
        value = read_canonical(data.removesuffix(b"\n"))
        if not isinstance(value, dict) or not {"receipt", "proof"} <= value.keys() <= _MEMBERS:
            raise BadBundle("a bundle has a receipt, a proof, perhaps openings, and nothing else")
        entry = read_entry(value["receipt"])
    except NotCanonical as error:
        raise BadBundle(str(error)) from None
    proof = value["proof"]
    if not isinstance(proof, str):
        raise BadBundle("the proof is not text")
    openings = _read_openings(value.get("openings", {}))
    return Bundle(write_canonical(value["receipt"]), entry, proof.encode(), openings)


def _read_openings(value: Value) -> dict[Label, bytes]:
    if not isinstance(value, dict) or not value.keys() <= set(LABELS):
        raise BadBundle(f"openings are by label: {', '.join(LABELS)}")
    openings: dict[Label, bytes] = {}
    for label, text in value.items():
        salt = read_digest(text) if isinstance(text, str) else None
        if salt is not None:
            openings[cast("Label", label)] = salt
    if len(openings) < len(value):
        raise BadBundle("what opens a field is 32 bytes in base64url")
    return openings
