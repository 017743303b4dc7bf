"""Passports of models: each record of the catalogue as a document with a digest of its own, to be named in runs.

The digest is the SHA-256 of the document without it in canonical form (RFC 8785), so it changes exactly when what the
document says does. What is known of a model comes from the catalogue and the price list; nothing is kept here.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

import msgspec

from tallygate.api.door import Reply, json_reply
from tallygate.api.models import FindPrice
from tallygate.api.query import read_query, read_whole
from tallygate.errors import ModelNotFound
from tallygate.genai.catalog import ModelRecord
from tallygate.genai.foreign_json import even_out
from tallygate.ledger.prices import Price
from tallygate.ledger.terms import FREE, print_price
from tallygate.router.plan import Catalog

TYPE: Final = "model"
FILTERS: Final = ("type", "owner", "search")
PER_PAGE_MAX: Final = 100

_PREFIX: Final = "passport:"
_PER_PAGE: Final = 20
_PAGES_MAX: Final = 1_000_000


def list_passports(catalog: Catalog, find_price: FindPrice, query: bytes) -> Reply:
    """``GET /v1/passports``: a page of those that the filters let through, in the catalogue's order. Public, and never
    an upstream call. Raises InvalidValue.
    """
    asked = read_query(query, (*FILTERS, "page", "per_page"))
    page = read_whole(asked, "page", low=1, high=_PAGES_MAX, otherwise=1)
    per_page = read_whole(asked, "per_page", low=1, high=PER_PAGE_MAX, otherwise=_PER_PAGE)
    found = list(_filter(catalog.records.values(), asked))
    shown = found[(page - 1) * per_page : page * per_page]
    return json_reply(
        {
            "success": True,
            "passports": [write_passport(record, find_price(record)) for record in shown],
            "pagination": {
                "total": len(found),
                "page": page,
                "per_page": per_page,
                "total_pages": -(-len(found) // per_page),
            },
        }
    )


def show_passport(catalog: Catalog, find_price: FindPrice, name: str) -> Reply:
    """``GET /v1/passports/{id}``. The name may hold slashes, encoded or not, and begin ``passport:``. Raises
    ModelNotFound.
    """
    record = catalog.records.get(name) or catalog.records.get(name.removeprefix(_PREFIX))
    if record is None:
        raise ModelNotFound("No model here has this passport. GET /v1/passports lists all.", param="passport_id")
    return json_reply({"success": True, "passport": write_passport(record, find_price(record))})


def _filter(records: Iterable[ModelRecord], asked: dict[str, str]) -> Iterable[ModelRecord]:
    """Only models have passports here. A search is for a part of a name, whatever its case."""
    if asked.get("type", TYPE) != TYPE:
        return
    owner, wanted = asked.get("owner"), asked.get("search", "").casefold()
    for record in records:
        if owner in (None, record.owned_by) and any(wanted in name.casefold() for name in (record.id, *record.aliases)):
            yield record


def write_passport(record: ModelRecord, price: Price | None) -> dict[str, Any]:
    """The document. What nobody knows of the model is left out, but for its price, which is then null."""
    passport: dict[str, Any] = {
        "passport_id": record.id,
        "type": TYPE,
        "name": record.alias_of or record.id,
        "owner": record.owned_by,
        "provider": record.targets[0].provider if record.targets else record.owned_by,
        "compute_passport_ids": [str(target) for target in record.targets],
        "format": "api",  # weights are nobody's business here: a model is what answers under its name
        "status": "active",
        "quality": record.quality,
        "operations": sorted(record.operations),
        "capabilities": msgspec.to_builtins(record.capabilities),
        "price": None if price is None else FREE if price.free else print_price(price),
        "aliases": list(record.aliases),
        "created_at": datetime.fromtimestamp(record.created_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    if record.alias_of:
        passport["alias_of"] = record.alias_of
    if record.context_tokens is not None:
        passport["context_length"] = record.context_tokens
    if record.output_tokens_max is not None:
        passport["max_output_tokens"] = record.output_tokens_max
    return {**passport, "digest": sha256(even_out(msgspec.json.encode(passport))).hexdigest()}
