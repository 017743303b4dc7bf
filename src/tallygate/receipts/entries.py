"""What stands in the log: receipts, prices and key sets, all of them bodies in canonical JSON that say what they are.

The log itself holds nothing but the digest of each body, so its tiles can be public and a body can be forgotten while
every proof stays valid. Pure.
"""

from hashlib import sha256
from typing import Any, Final, Literal, cast

import msgspec
from msgspec import Struct

from tallygate.genai.price_row import PriceKind, PriceRow
from tallygate.receipts.canonical import NotCanonical, Value, write_struct
from tallygate.receipts.decimal_text import read_number
from tallygate.receipts.key_set import KeySet
from tallygate.receipts.receipt import RECEIPT, Receipt

PRICE: Final = "tallygate/price/1"
KEYS: Final = "tallygate/keyset/1"

_NS_PER_MS: Final = 1_000_000


class PriceEntry(Struct, frozen=True, kw_only=True):
    """One version of a price. `version` is what receipts name as their price, and the digest of all the price says.

    `effective_from_ns` is text, because nanoseconds are more than every reader of JSON keeps; `terms` is JSON as the
    price table has it.
    """

    type: Literal["tallygate/price/1"]
    issuer: str
    log: str
    issued_ms: int
    version: str
    kind: PriceKind
    name: str
    effective_from_ns: str
    terms: str


class KeysEntry(Struct, frozen=True, kw_only=True):
    """A change of the issuer's keys: `keys` is the document that is published from then on."""

    type: Literal["tallygate/keyset/1"]
    issuer: str
    log: str
    issued_ms: int
    keys: KeySet


Entry = Receipt | PriceEntry | KeysEntry

_TYPES: Final[dict[str, type[Entry]]] = {RECEIPT: Receipt, PRICE: PriceEntry, KEYS: KeysEntry}


def write_price(row: PriceRow, issuer: str, log: str, now_ns: int) -> bytes:
    """The body that puts a price on record."""
    entry = PriceEntry(
        type=PRICE,
        issuer=issuer,
        log=log,
        issued_ms=now_ns // _NS_PER_MS,
        version=row.version,
        kind=row.kind,
        name=row.name,
        effective_from_ns=str(row.effective_from_ns),
        terms=row.terms,
    )
    return write_struct(entry)


def write_keys(keys: KeySet, log: str, now_ns: int) -> bytes:
    """The body that puts a change of keys on record."""
    entry = KeysEntry(type=KEYS, issuer=keys.issuer, log=log, issued_ms=now_ns // _NS_PER_MS, keys=keys)
    return write_struct(entry)


def read_price(entry: PriceEntry) -> PriceRow:
    """The price that was put on record. Raises ValueError if its time is no number."""
    return PriceRow(
        version=entry.version,
        kind=entry.kind,
        name=entry.name,
        effective_from_ns=read_number(entry.effective_from_ns),
        terms=entry.terms,
    )


def digest_body(body: bytes) -> bytes:
    """The entry of a body: its SHA-256. The leaf is made of this (RFC 9162, section 2.1.1)."""
    return sha256(body).digest()


def read_entry(value: Value) -> Entry:
    """The entry that a canonical value is. Members it does not know are as signed as the others, and ignored.

    Raises NotCanonical for a value of another type, and with a member missing or of another kind.
    """
    kind = value.get("type") if isinstance(value, dict) else None
    entry_type = _TYPES.get(kind) if isinstance(kind, str) else None
    if entry_type is None:
        raise NotCanonical("nothing of its type is known here")
    try:
        return msgspec.convert(cast("Any", value), entry_type)
    except msgspec.ValidationError as error:
        raise NotCanonical(f"it is no {kind}: {error}") from None
