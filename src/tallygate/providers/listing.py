"""Reading the model lists that engines on this machine give: pure, and lenient, for every engine writes its own.

The common shape is OpenAI's ``GET /v1/models``; what an engine adds to an item tells which engine it is.
"""

from typing import Any

from msgspec import DecodeError, Struct, json

MODELS_MAX = 1000


class Item(Struct, frozen=True):
    """One model of a list: OpenAI's members, and those that engines add."""

    id: str
    owned_by: str = ""
    max_model_len: int | None = None
    meta: dict[str, Any] | None = None
    type: str = ""
    compatibility_type: str = ""
    max_context_length: int | None = None
    capabilities: tuple[str, ...] | None = None


class Listing(Struct, frozen=True):
    """A model list. `has_more` stands only in the lists of gateways such as this one, never in an engine's."""

    data: tuple[Item, ...]
    has_more: bool | None = None


def read_listing(body: bytes) -> Listing | None:
    """An OpenAI-shaped list of at most `MODELS_MAX` models, or None if the body is anything else."""
    try:
        listing = json.decode(body, type=Listing)
    except (DecodeError, RecursionError):
        return None
    return Listing(listing.data[:MODELS_MAX], listing.has_more)
