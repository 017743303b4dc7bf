"""The list prices that ship with the gateway: what the vendors ask, by ``provider/model``, without asking the network.

The list is a data file that `scripts/convert_prices.py` made; `docs/why/genai-prices.md` says from what. Names are
exact: an unknown one has no list price. What the operator set wins over this list, and that is decided elsewhere.
"""

import re
from collections.abc import Mapping
from functools import cached_property
from importlib.resources import files
from typing import Any, Final

import msgspec
from msgspec import Struct

from tallygate.ledger.prices import Price
from tallygate.ledger.terms import read_price

_NS_PER_S: Final = 1_000_000_000

# A vendor's name of one state of a model. The list says of which models every state has one price.
_SNAPSHOT: Final = re.compile(r"-(\d{8}|\d{4}-\d{2}-\d{2}|latest)\Z", re.ASCII)


class Listing(Struct, frozen=True):
    """One version of one list price. `also` are other names of the model; `snapshots`: its names with a date, too.

    `context_tokens` is the model's context window, where the list knows it.
    """

    name: str
    terms: dict[str, Any]
    also: tuple[str, ...] = ()
    snapshots: bool = False
    effective_from_s: int = 0
    context_tokens: int | None = None


class _Document(Struct, frozen=True):
    prices: tuple[Listing, ...]


class Catalogue(Struct, frozen=True, dict=True):
    """All listings by the name they are looked up by, ``provider/model``, versions in the order they begin."""

    listings: Mapping[str, tuple[Listing, ...]]

    def find(self, target: str) -> tuple[Listing, ...]:
        """The versions for a target: those of its very name, else of its model without a date. Empty if unknown."""
        exact = self.listings.get(target)
        if exact is not None:
            return exact
        plain = self.listings.get(_SNAPSHOT.sub("", target), ())
        return tuple(listing for listing in plain if listing.snapshots)

    @cached_property
    def providers(self) -> frozenset[str]:
        """The names of the providers whose models are listed."""
        return frozenset(name.partition("/")[0] for name in self.listings)

    def has_model(self, model: str) -> bool:
        """Whether some provider has a model of that name, with or without a date."""
        return any(self.find(f"{provider}/{model}") for provider in self.providers)

    def list_costs(self, target: str) -> tuple[Price, ...]:
        """The list price of a target as versions of its cost; empty if unknown."""
        return tuple(
            read_price("cost", target, listing.terms, effective_from_ns=listing.effective_from_s * _NS_PER_S)
            for listing in self.find(target)
        )

    def find_context(self, target: str) -> int | None:
        """The context window of a target, in tokens, where the list knows it."""
        return next((found.context_tokens for found in self.find(target) if found.context_tokens is not None), None)


def read_catalogue(data: bytes) -> Catalogue:
    """A list from its JSON. Raises msgspec.ValidationError if it is none."""
    listings: dict[str, tuple[Listing, ...]] = {}
    document = msgspec.json.decode(data, type=_Document)
    for listing in sorted(document.prices, key=lambda listing: listing.effective_from_s):
        provider = listing.name.partition("/")[0]
        for name in (listing.name, *(f"{provider}/{other}" for other in listing.also)):
            listings[name] = (*listings.get(name, ()), listing)
    return Catalogue(listings)


def load_catalogue() -> Catalogue:
    """The list that ships with the gateway."""
    return read_catalogue(files("tallygate.ledger").joinpath("data/prices.json").read_bytes())
