"""The doors to a caller's own receipts: one as a bundle or a proof, a list without gaps, the prices they name.

They are bare documents, to be kept and verified elsewhere. Whose receipts are seen follows from the key alone.
"""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final, cast

import msgspec
from msgspec import Raw

from tallygate.access.principal import Principal
from tallygate.api.account import find_scope
from tallygate.api.door import Reply, Request, json_reply
from tallygate.api.proofs import Proofs
from tallygate.api.query import read_query, read_whole
from tallygate.errors import InvalidValue, NotFound, ReceiptErased
from tallygate.genai.foreign_json import INTEGER_MAX
from tallygate.receipts import base64_text
from tallygate.receipts.bundle import write_bundle
from tallygate.receipts.canonical import read_canonical
from tallygate.receipts.commitment import LABELS, Label, derive_salt
from tallygate.receipts.entries import PriceEntry, read_entry
from tallygate.receipts.log_reader import prove_inclusion
from tallygate.receipts.receipt import read_receipt
from tallygate.receipts.verify import find_commitment
from tallygate.store.driver import DriverConnection
from tallygate.store.log import find_place
from tallygate.store.log_statements import find_statement
from tallygate.store.receipts import KeptReceipt, find_receipt, is_awaited, list_receipts
from tallygate.store.usage import Scope

LIMIT_DEFAULT: Final = 100
LIMIT_MAX: Final = 1_000
PENDING_S: Final = 1
"""When to ask again: checkpoints are a second apart."""

_OWN: Final = (("cache-control", "no-store"),)
TEXT: Final = "text/plain; charset=utf-8"

Serve = Callable[[Proofs, Request, Scope], Awaitable[Reply]]


async def serve_receipts(proofs: Proofs, path: str, request: Request, principal: Principal) -> Reply:
    """Serve one request. `path` is that of the route, with its places left open."""
    return await DOORS[path](proofs, request, find_scope(principal))


async def show_receipt(proofs: Proofs, request: Request, scope: Scope) -> Reply:
    """``GET /v1/receipts/{id}``: the bundle, under the last checkpoint, with the salts that were asked for.

    Raises NotFound, ReceiptErased, InvalidValue, StoreUnavailable, LogDamaged.
    """
    wished = _read_labels(read_query(request.query, ("openings",)).get("openings", ""))
    receipt_id = request.slots["id"]

    def read(connection: DriverConnection) -> bytes | None:
        kept = _find(connection, scope, receipt_id)
        if kept is None or kept.leaf_index is None:
            return None
        if kept.body is None:
            raise ReceiptErased
        proof = prove_inclusion(connection, kept.log, kept.leaf_index)
        return None if proof is None else write_bundle(kept.body, proof, _open(kept, kept.body, wished))

    bundle = await proofs.ask(read)
    return _pending(receipt_id) if bundle is None else Reply(200, bundle, _OWN)


async def show_proof(proofs: Proofs, request: Request, scope: Scope) -> Reply:
    """``GET /v1/receipts/{id}/proof``: the proof alone, under the last checkpoint or the one of exactly `size`.

    It stays when the receipt is erased. Raises NotFound, InvalidValue, StoreUnavailable, LogDamaged.
    """
    values = read_query(request.query, ("size",))
    size = read_whole(values, "size", low=1, high=INTEGER_MAX, otherwise=0) or None
    receipt_id = request.slots["id"]

    def read(connection: DriverConnection) -> bytes | None:
        kept = _find(connection, scope, receipt_id)
        if kept is None or kept.leaf_index is None:
            return None
        proof = prove_inclusion(connection, kept.log, kept.leaf_index, size)
        if proof is None and size is not None:
            raise NotFound("No checkpoint of this size covers this receipt.", param="size")
        return proof

    proof = await proofs.ask(read)
    return _pending(receipt_id) if proof is None else Reply(200, proof, _OWN, TEXT)


async def show_receipts(proofs: Proofs, request: Request, scope: Scope) -> Reply:
    """``GET /v1/receipts``: what is kept behind a number, by number. Raises InvalidValue, StoreUnavailable."""
    values = read_query(request.query, ("after_seq", "limit"))
    after_seq = read_whole(values, "after_seq", low=0, high=INTEGER_MAX, otherwise=0)
    limit = read_whole(values, "limit", low=1, high=LIMIT_MAX, otherwise=LIMIT_DEFAULT)
    page = await proofs.ask(lambda connection: list_receipts(connection, scope, after_seq, limit))
    shown = {
        "receipts": [_show(kept) for kept in page.receipts],
        "scope": "workspace" if scope.user_id is None else "user",
        "has_more": page.more,
        "next_after_seq": page.seen,
    }
    return Reply(200, msgspec.json.encode(shown), _OWN)


async def show_price(proofs: Proofs, request: Request, _scope: Scope) -> Reply:
    """``GET /v1/prices/{version}``: the bundle of a price that receipts name; never of one that the house pays.

    Raises NotFound, StoreUnavailable, LogDamaged.
    """
    read_query(request.query, ())
    version = request.slots["version"]

    def read(connection: DriverConnection) -> bytes | None:
        body, place = find_statement(connection, "price", version), find_place(connection, version)
        if body is None or not _is_sale(body):
            raise NotFound("There is no price of this version on record.")
        if place is None or place.leaf_index is None:
            return None
        proof = prove_inclusion(connection, place.log, place.leaf_index)
        return None if proof is None else write_bundle(body, proof)

    bundle = await proofs.ask(read)
    return _pending(version) if bundle is None else Reply(200, bundle, _OWN)


DOORS: Final[Mapping[str, Serve]] = MappingProxyType(
    {
        "/v1/receipts": show_receipts,
        "/v1/receipts/{id}": show_receipt,
        "/v1/receipts/{id}/proof": show_proof,
        "/v1/prices/{version}": show_price,
    }
)


def _find(connection: DriverConnection, scope: Scope, receipt_id: str) -> KeptReceipt | None:
    """None while its call runs. Raises NotFound, with one text for what is somebody else's, was never, or was void."""
    # Asked first: a call that ends between the two questions is then found with its receipt.
    awaited = is_awaited(connection, scope, receipt_id)
    kept = find_receipt(connection, scope, receipt_id)
    if kept is None and not awaited:
        raise NotFound("There is no receipt of this id.")
    return kept


def _is_sale(body: bytes) -> bool:
    """Whether a body puts on record what callers pay. What the house pays, and to whom, is in the log, too."""
    entry = read_entry(read_canonical(body))
    return isinstance(entry, PriceEntry) and entry.kind == "sale"


def _pending(entry_id: str) -> Reply:
    """202: there will be a proof, but no published checkpoint covers it yet."""
    reply = json_reply({"status": "pending", "id": entry_id}, 202)
    return msgspec.structs.replace(reply, headers=(("retry-after", str(PENDING_S)), *_OWN))


def _show(kept: KeptReceipt) -> dict[str, object]:
    """A receipt in the list. What is missing: its leaf while it waits for one, and what it says once it is erased."""
    shown: dict[str, object] = {"id": kept.id, "seq": kept.sequence, "entry": base64_text.encode(kept.entry)}
    if kept.leaf_index is not None:
        shown["leaf_index"] = kept.leaf_index
    if kept.body is not None:
        shown["receipt"] = Raw(kept.body)
    return shown


def _read_labels(text: str) -> tuple[Label, ...] | None:
    """Which fields are to be opened; None: all that there are. Raises InvalidValue."""
    if text == "true":
        return None
    named = text.split(",") if text else []
    if unknown := sorted(set(named) - set(LABELS)):
        raise InvalidValue(
            f"`openings` takes true, or {', '.join(LABELS)}, joined by commas; not {unknown[0][:40]!r}.",
            param="openings",
        )
    return cast("tuple[Label, ...]", tuple(dict.fromkeys(named)))


def _open(kept: KeptReceipt, body: bytes, wished: tuple[Label, ...] | None) -> dict[Label, bytes]:
    """The salts of the fields that are to be opened. Raises InvalidValue, ReceiptErased."""
    if wished == ():
        return {}
    receipt = read_receipt(body)
    committed: list[Label] = [label for label in LABELS if find_commitment(receipt, label)]
    labels = committed if wished is None else list(wished)
    if missing := [label for label in labels if label not in committed]:
        raise InvalidValue(f"`openings`: this receipt has no commitment to {missing[0]}.", param="openings")
    if labels and not kept.seed:
        raise ReceiptErased("What opens this receipt's commitments was erased. Without openings it is still there.")
    return {label: derive_salt(kept.seed or b"", label) for label in labels}
