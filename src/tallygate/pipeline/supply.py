"""Which providers, models and prices there are now, and what follows from them for a call: plan, quote and costs.

Each part is replaced as a whole whenever there is news of it. Where a price or a provider comes from is known to
`ledger` and `providers`.
"""

import os
import time
from collections.abc import Iterable, Mapping
from functools import partial

from tallygate.dialects.base import Dialect
from tallygate.genai.items import Cost
from tallygate.genai.peek import Peek
from tallygate.genai.plan import Plan, Target
from tallygate.genai.price_row import PriceRow
from tallygate.genai.usage import Usage
from tallygate.ledger.catalogue import load_catalogue
from tallygate.ledger.price_rows import write_row
from tallygate.ledger.pricelist import PriceList
from tallygate.ledger.quote import Quote, count_costs, make_quote
from tallygate.ledger.reach import Reaches
from tallygate.providers.base import Provider
from tallygate.providers.discover import discover
from tallygate.providers.registry import Providers, load
from tallygate.providers.settings import ProviderSettings
from tallygate.router.abilities import Abilities
from tallygate.router.fitness import keep_able
from tallygate.router.plan import Catalog, Shelf, build_catalog, plan
from tallygate.router.settings import ModelSettings
from tallygate.store.enquirer import Enquirer
from tallygate.store.price_feed import load_prices
from tallygate.transport.http import HttpExit

QUOTED_MAX = 1_024
"""Names of models come from callers, so what is remembered of them must have an end."""


class Supply:
    """Which providers, models and prices there are now. Each is replaced as a whole whenever there is news of it."""

    def __init__(
        self,
        providers: Mapping[str, ProviderSettings],
        models: Mapping[str, ModelSettings],
        *,
        discovers: bool,
        demo: bool,
        own_key_prefix: str,
    ) -> None:
        self._models = models
        self._discovers = discovers
        self._known = load(providers, os.environ, demo=demo, own_key_prefix=own_key_prefix)
        self._list = load_catalogue()
        self._price_rows: tuple[PriceRow, ...] = ()
        self._quoted: dict[str, PriceRow] = {}
        self._use(self._known)

    def _use(self, providers: Providers) -> None:
        self.providers = providers
        self.rows: Mapping[str, Provider] = providers.rows
        shelves = {
            name: Shelf(operations=row.operations, claims=tuple(row.claims), serves=row.serves)
            for name, row in self.rows.items()
        }
        declared = {
            alias: model.targets
            for name, model in self._models.items()
            for alias in (name, *model.aliases)
            if model.targets
        }
        self.catalog: Catalog = build_catalog(declared, providers.offers, shelves)
        self.abilities = Abilities(self.rows, providers.offers, self._models)
        self._reaches = Reaches(self.rows, providers.offers, self._list)
        self._price()

    def _price(self) -> None:
        free = [row.name for row in self.rows.values() if row.free]
        self.prices = PriceList(self._list, self._models, free, self._price_rows)

    async def look(self, exit_: HttpExit, own_port: int) -> None:
        """Look for engines on this machine, and use what is there now."""
        if self._discovers:
            seen = await discover(exit_, self._known.rows, os.environ, own_ports=frozenset({own_port}))
            self._use(self._known.joined(seen))

    async def hear_prices(self, enquirer: Enquirer) -> None:
        """Use the prices that were set since the last time. Raises StoreUnavailable."""
        if rows := await enquirer.ask(partial(load_prices, after_seq=self.prices.seq)):
            self._price_rows = (*self._price_rows, *rows)
            self._price()

    def plan(self, peek: Peek, operation: str) -> Plan:
        """The router's plan over what there is now, for a request of this outline."""
        return plan(self.catalog, peek.model, operation)

    def suit(self, plan: Plan, peek: Peek, body: bytes, dialect: Dialect) -> Plan:
        """The plan without those who are known to lack what is asked. Raises UnsupportedParameter if nobody is left."""
        return keep_able(plan, self.abilities, peek, body, dialect.name, dialect.read_request)

    def quote(self, plan: Plan, peek: Peek, body: bytes, dialect: Dialect) -> Quote:
        """What a call may cost at most, at the prices of this moment."""
        find_reach = partial(self._reaches.of_call, dialect=dialect.name)
        quote = make_quote(self.prices, plan, peek, body, dialect.read_request, find_reach, time.time_ns())
        if quote.price_version not in self._quoted:
            self._note(quote)
        return quote

    def list_quoted(self) -> tuple[PriceRow, ...]:
        """The prices that calls were quoted lately: receipts name them, so they belong on record. From any thread."""
        return tuple(self._quoted.values())

    def _note(self, quote: Quote) -> None:
        kept = self._quoted if len(self._quoted) < QUOTED_MAX else {}
        # A new dict: whoever lists the old one at this moment must not see it grow.
        self._quoted = {**kept, quote.price_version: write_row(quote.price)}

    def count_costs(self, attempts: Iterable[tuple[Target, Usage]]) -> tuple[Cost, ...]:
        """What the house owes for attempts, at the prices of this moment."""
        return count_costs(self.prices, attempts, time.time_ns())
