"""The list of models in OpenRouter's shape: prices per token as decimal text, what a model takes and what it can do
(openrouter.ai/docs/api-reference/list-available-models).

It tells no more than is known here: a member that nobody says anything about is null, and of a price that does not
exist the number is -1, as it is there where a price cannot be told.
"""

from typing import Final

from tallygate.api.door import Reply, Request, json_reply
from tallygate.api.models import FindPrice
from tallygate.api.query import read_query, read_whole
from tallygate.errors import ModelNotFound
from tallygate.genai.catalog import Capabilities, Capability, ModelRecord
from tallygate.ledger.money import print_price_per_unit
from tallygate.ledger.prices import Price
from tallygate.router.plan import Catalog

PAGE_MAX: Final = 500
_UNPRICED: Final = "-1"

_TOKEN_PRICES: Final = {
    "input_cache_read": "cache_read",
    "input_cache_write": "cache_write",
    "input_cache_write_1h": "cache_write_1h",
    "internal_reasoning": "reasoning",
    "audio": "audio_input",
    "audio_output": "audio_output",
}
_UNIT_PRICES: Final = {"request": "call", "image": "image"}

_ALWAYS: Final = ("max_tokens", "max_completion_tokens", "temperature", "top_p", "stop", "seed")
_BY_CAPABILITY: Final[dict[Capability, tuple[str, ...]]] = {
    "tools": ("tools", "tool_choice", "parallel_tool_calls"),
    "json_mode": ("response_format",),
    "json_schema": ("response_format", "structured_outputs"),
    "reasoning": ("reasoning", "include_reasoning", "reasoning_effort"),
}
_SEES: Final[dict[Capability, str]] = {"vision": "image", "audio": "audio", "pdf": "file"}
_MADE: Final = {"embed": "embeddings"}
"""What comes of an operation, where that is not text."""


def list_models(catalog: Catalog, find_price: FindPrice, request: Request) -> Reply:
    """``GET /api/v1/models``: every model that can be called by name, in pages of `limit` from `offset`. Public, and
    never an upstream call. Raises InvalidValue.
    """
    values = read_query(request.query, ("offset", "limit"))
    offset = read_whole(values, "offset", low=0, high=2**31 - 1, otherwise=0)
    limit = read_whole(values, "limit", low=1, high=PAGE_MAX, otherwise=PAGE_MAX)
    records = list(catalog.records.values())
    page = records[offset : offset + limit]
    more = f"/api/v1/models?offset={offset + limit}&limit={limit}" if len(records) > offset + limit else None
    shown = [show_record(record, find_price(record)) for record in page]
    return json_reply({"data": shown, "total_count": len(records), "links": {"next": more}})


def show_model(catalog: Catalog, find_price: FindPrice, request: Request) -> Reply:
    """``GET /api/v1/model/{model}``. The name may hold slashes. Public. Raises ModelNotFound."""
    read_query(request.query, ())
    record = catalog.records.get(request.slots["model"])
    if record is None:
        raise ModelNotFound("The model does not exist here. GET /api/v1/models lists what does.", param="model")
    return json_reply({"data": show_record(record, find_price(record))})


def show_record(record: ModelRecord, price: Price | None) -> dict[str, object]:
    """One model."""
    return {
        "id": record.id,
        "canonical_slug": record.alias_of or record.id,
        "name": record.id,
        "created": record.created_s,
        "description": "",
        "context_length": record.context_tokens,
        "architecture": _show_architecture(record),
        "pricing": _show_pricing(price),
        "top_provider": {
            "context_length": record.context_tokens,
            "max_completion_tokens": record.output_tokens_max,
            "is_moderated": False,
        },
        "per_request_limits": None,
        "supported_parameters": _list_parameters(record),
        "default_parameters": None,
        "supported_voices": None,
        "expiration_date": None,
        "hugging_face_id": None,
        "links": {"details": f"/api/v1/model/{record.id}"},
    }


def _show_architecture(record: ModelRecord) -> dict[str, object]:
    """What the model takes, as far as it is known, and what it makes."""
    capabilities = record.capabilities
    takes = ["text", *(shown for name, shown in _SEES.items() if capabilities.knows(name))]
    makes = sorted({_MADE.get(operation, "text") for operation in record.operations}) or ["text"]
    return {
        "modality": f"{'+'.join(takes)}->{'+'.join(makes)}",
        "input_modalities": takes,
        "output_modalities": makes,
        "tokenizer": "Other",
        "instruct_type": None,
    }


def _show_pricing(price: Price | None) -> dict[str, str]:
    """Prices in USD for one token, one call, one image, without those that are not the model's own."""
    rates = None if price is None else price.rates
    if price is None or rates is None or rates.input is None or rates.output is None:
        return {"prompt": _UNPRICED, "completion": _UNPRICED}
    own = {shown: getattr(rates, kind) for shown, kind in _TOKEN_PRICES.items()}
    units = {shown: getattr(price, kind) for shown, kind in _UNIT_PRICES.items()}
    known = {"prompt": rates.input, "completion": rates.output, **own, **units}
    # Clients tell what is free by this very text.
    return {shown: print_price_per_unit(pusd) if pusd else "0" for shown, pusd in known.items() if pusd is not None}


def _list_parameters(record: ModelRecord) -> list[str]:
    """What a call may hold: all but what the model is known not to be able to do."""
    if record.operations and "chat" not in record.operations:
        return []
    return [*_ALWAYS, *dict.fromkeys(name for kind in _able(record.capabilities) for name in _BY_CAPABILITY[kind])]


def _able(capabilities: Capabilities) -> list[Capability]:
    return [name for name in _BY_CAPABILITY if capabilities.knows(name) is not False]
