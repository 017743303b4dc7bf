"""The list of models, as one object that the clients of every dialect read.

It joins the members that OpenAI's and Anthropic's lists have (platform.openai.com/docs/api-reference/models,
platform.claude.com/docs/en/api/models) with our own; each client ignores the others'.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from tallygate.api.door import Reply, json_reply
from tallygate.api.query import read_whole
from tallygate.errors import InvalidValue, ModelNotFound
from tallygate.genai.catalog import Capabilities, ModelRecord
from tallygate.ledger.prices import Price
from tallygate.ledger.terms import FREE, print_price
from tallygate.router.plan import Catalog

FindPrice = Callable[[ModelRecord], Price | None]

LIMIT_MAX: Final = 1_000

_PAGING: Final = frozenset({"limit", "after_id", "before_id"})


def list_models(catalog: Catalog, find_price: FindPrice, query: bytes) -> Reply:
    """``GET /v1/models``: every model that can be called by name. Public, and never an upstream call.

    The whole list, or the page that ``limit``, ``after_id`` and ``before_id`` ask for. Raises InvalidValue.
    """
    records, has_more = _cut(tuple(catalog.records.values()), _read_paging(query))
    return json_reply(
        {
            "object": "list",
            "data": [show_record(record, find_price(record)) for record in records],
            "has_more": has_more,
            "first_id": records[0].id if records else None,
            "last_id": records[-1].id if records else None,
        }
    )


def show_model(catalog: Catalog, find_price: FindPrice, name: str) -> Reply:
    """``GET /v1/models/{model}``. The name may hold slashes, encoded or not. Raises ModelNotFound."""
    record = catalog.records.get(name)
    if record is None:
        raise ModelNotFound("The model does not exist here. GET /v1/models lists what does.", param="model")
    return json_reply(show_record(record, find_price(record)))


def _read_paging(query: bytes) -> dict[str, str]:
    """What the address asks for of pages. Clients add parameters of their own here, which mean nothing."""
    try:
        pairs = parse_qsl(query.decode("ascii"), errors="strict", max_num_fields=32, separator="&")
    except ValueError:
        raise InvalidValue("The query of the address cannot be read.") from None
    paging = {name: value for name, value in pairs if name in _PAGING}
    if "after_id" in paging and "before_id" in paging:
        raise InvalidValue("Give `after_id` or `before_id`, not both.", param="before_id")
    return paging


def _cut(records: Sequence[ModelRecord], paging: dict[str, str]) -> tuple[Sequence[ModelRecord], bool]:
    """The page that is asked for, and whether the list goes on beyond it, in the direction in which it is read."""
    limit = read_whole(paging, "limit", low=1, high=LIMIT_MAX, otherwise=len(records) or 1)
    if "before_id" in paging:
        end = _find(records, paging["before_id"], "before_id")
        start = max(end - limit, 0)
        return records[start:end], start > 0
    start = _find(records, paging["after_id"], "after_id") + 1 if "after_id" in paging else 0
    return records[start : start + limit], start + limit < len(records)


def _find(records: Sequence[ModelRecord], name: str, param: str) -> int:
    place = next((index for index, record in enumerate(records) if record.id == name), None)
    if place is None:
        raise InvalidValue(f"`{param}` must be the `id` of a model of this list.", param=param)
    return place


def show_record(record: ModelRecord, price: Price | None) -> dict[str, Any]:
    """One model. What nobody knows of it is left out, but for its price, which is then null."""
    shown: dict[str, Any] = {
        "id": record.id,
        "object": "model",
        "created": record.created_s,
        "owned_by": record.owned_by,
        "type": "model",
        # Who picks a model in a client shall see which one it is.
        "display_name": record.alias_of or record.id,
        "created_at": datetime.fromtimestamp(record.created_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "lifecycle": "active",
        "backend": record.targets[0].provider if record.targets else record.owned_by,
        "quality": record.quality,
        "operations": sorted(record.operations),
        "capabilities": show_capabilities(record.capabilities),
        "price": None if price is None else FREE if price.free else print_price(price),
        "aliases": list(record.aliases),
    }
    if record.alias_of:
        shown["alias_of"] = record.alias_of
    if record.context_tokens is not None:
        shown |= {"context_length": record.context_tokens, "max_input_tokens": record.context_tokens}
    if record.output_tokens_max is not None:
        shown |= {"max_output_tokens": record.output_tokens_max, "max_tokens": record.output_tokens_max}
    return shown


def show_capabilities(known: Capabilities) -> dict[str, Any]:
    """What is known, by our names as true or false, and by Anthropic's as objects that say so."""
    shown: dict[str, Any] = msgspec.to_builtins(known)
    theirs = {
        "image_input": known.vision,
        "pdf_input": known.pdf,
        "structured_outputs": known.json_schema,
        "thinking": known.reasoning,
    }
    return {**shown, **{name: {"supported": able} for name, able in theirs.items() if able is not None}}
