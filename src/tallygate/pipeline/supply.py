"""Which providers, models and prices there are now, and what follows from them for a call: plan, quote and costs.

Each part is replaced as a whole whenever there is news of it. Where a price or a provider comes from is known to
`ledger` and `providers`.
"""

import os
import random
import time
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from typing import Final

from msgspec.structs import replace

from tallygate.dialects.base import Dialect
from tallygate.dialects.registry import DIALECTS
from tallygate.errors import Unpriced, UnsupportedParameter
from tallygate.genai.catalog import ModelRecord
from tallygate.genai.items import Cost
from tallygate.genai.outcome import Outcome
from tallygate.genai.peek import Peek
from tallygate.genai.plan import Excluded, Plan, Target
from tallygate.genai.price_row import PriceRow
from tallygate.genai.routing import Routing
from tallygate.genai.usage import Usage
from tallygate.ledger.catalogue import load_catalogue
from tallygate.ledger.price_rows import write_row
from tallygate.ledger.pricelist import PriceList
from tallygate.ledger.prices import Price, price_free
from tallygate.ledger.quote import Quote, Sale, count_costs, make_quote
from tallygate.ledger.reach import Reaches
from tallygate.providers.base import Provider
from tallygate.providers.discover import discover
from tallygate.providers.registry import Providers, load
from tallygate.providers.settings import ProviderSettings
from tallygate.router.abilities import Abilities
from tallygate.router.choice import Sight, Survey, choose, survey
from tallygate.router.fitness import keep_able
from tallygate.router.gates import WELL, Gates, Standing
from tallygate.router.health import Health, TargetHealth
from tallygate.router.manners import find_manners
from tallygate.router.naming import name_models
from tallygate.router.plan import Catalog, Shelf, build_catalog, plan
from tallygate.router.settings import ModelSettings, RouterSettings
from tallygate.router.wishes import Tariff
from tallygate.store.enquirer import Enquirer
from tallygate.store.price_feed import load_prices
from tallygate.transport.http import HttpExit

QUOTED_MAX = 1_024
"""Names of models come from callers, so what is remembered of them must have an end."""

NO_WISHES: Final = Routing()

_FREE_TERMS: Final = write_row(price_free("sale", "any")).terms


def list_operations(row: Provider) -> frozenset[str]:
    """What can be asked of a provider's models: a count of tokens wherever they chat, if only by an estimate."""
    asked = frozenset(DIALECTS[name].operation for name in row.speaks)
    return asked | {"count"} if "chat" in asked else asked


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
        router: RouterSettings = RouterSettings(),
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._models = models
        self._discovers = discovers
        self._own_key_prefix = own_key_prefix
        self._known = load(providers, os.environ, demo=demo, own_key_prefix=own_key_prefix)
        self._list = load_catalogue()
        self._price_rows: tuple[PriceRow, ...] = ()
        self._quoted: dict[str, PriceRow] = {}
        self._health = Health()
        self.gates = Gates(router)
        self._draw = draw
        self.rows: Mapping[str, Provider] = {}
        self._use(self._known)

    def renew(
        self,
        providers: Mapping[str, ProviderSettings],
        models: Mapping[str, ModelSettings],
        router: RouterSettings,
        *,
        discovers: bool,
    ) -> None:
        """Go on with other settings, in one step. Keys are read again; what a look at this machine showed stays, and
        what is known of targets. Calls that have their plan keep it.
        """
        loaded = load(providers, os.environ, demo=self._known.demo, own_key_prefix=self._own_key_prefix)
        seen = self.providers.looked if discovers else ()
        self._models, self._discovers, self._known = models, discovers, loaded
        self.gates.use(router)
        self._use(loaded.joined(seen))

    def _use(self, providers: Providers) -> None:
        self.providers = providers
        earlier, self.rows = self.rows, providers.rows
        for name, row in self.rows.items():
            if name in earlier and earlier[name] != row:
                self.gates.forgive(name)
        self.gates.cap({name: row.concurrency for name, row in self.rows.items() if row.concurrency is not None})
        shelves = {
            name: Shelf(
                operations=list_operations(row),
                claims=tuple(row.claims),
                regions=row.regions,
                keeps_inputs=row.keeps_inputs,
                serves=row.serves,
            )
            for name, row in self.rows.items()
        }
        self._manners = find_manners(self._models)
        declared = {name: model.targets for name, model in self._models.items() if model.targets}
        known = build_catalog(declared, providers.offers, shelves)
        self.abilities = Abilities(self.rows, providers.offers, self._models)
        self._reaches = Reaches(self.rows, providers.offers, self._list)
        self.catalog: Catalog = name_models(known, self._models, self.abilities, self._reaches.told)
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

    def plan(self, peek: Peek, operation: str, allowed: frozenset[str] | None = None, caller: str = "") -> Plan:
        """The router's plan over what there is now, for a request of this outline. `caller`: its workspace's id.

        `allowed` are the names that the caller's key may call, None: all. They are heeded where the caller wishes
        something of who serves, and may name several; else the one name is the hallway's to ask about.
        """
        if peek.routing is None and peek.model not in self._manners:  # nearly always
            return self.gates.keep_open(plan(self.catalog, peek.model, operation), caller)
        sight = self.look_round(peek.body_bytes, self._draw, caller)
        if peek.routing is None:
            return choose(sight, peek.model, operation, NO_WISHES)
        return choose(sight, peek.model, operation, peek.routing, allowed)

    def look_round(self, input_tokens: int, draw: Callable[[], float] | None = None, caller: str = "") -> Sight:
        """What the router may look at for a call with so much input. Without `draw` nothing is drawn."""
        now_ns = time.monotonic_ns()
        return Sight(
            self.catalog,
            find_tariff=partial(self._find_tariff, input_tokens, time.time_ns()),
            find_pace=lambda target: self._health.find_pace(target, now_ns),
            find_bar=partial(self.gates.find_bar, caller=caller),
            manners=self._manners,
            draw=draw,
        )

    def survey(self, peek: Peek, operation: str, allowed: frozenset[str] | None = None, caller: str = "") -> Survey:
        """As `plan`, with nothing drawn, and also where nobody is left."""
        sight = self.look_round(peek.body_bytes, caller=caller)
        if peek.routing is None:
            return survey(sight, peek.model, operation, NO_WISHES)
        return survey(sight, peek.model, operation, peek.routing, allowed)

    def list_health(self) -> tuple[TargetHealth, ...]:
        """How every target is that a listed name leads to, or that something is known of, as far as this process
        knows.
        """
        listed = [target for record in self.catalog.records.values() for target in record.targets]
        places = dict.fromkeys([*((target.provider, target.model) for target in listed), *self.gates.list_places()])
        now_ns, worst = time.monotonic_ns(), self.gates.find_worst()
        return tuple(self._find_health(Target(*place), worst.get(place, WELL), now_ns) for place in places)

    def _find_health(self, target: Target, worst: Standing, now_ns: int) -> TargetHealth:
        place = target.provider, target.model
        circuit, state, bar = worst
        bar = bar or self.gates.find_bar(target)
        pace = self._health.find_pace(target, now_ns)
        return TargetHealth(
            provider=target.provider,
            model=target.model,
            circuit=state,
            retry_in_s=0 if bar is None else bar.wait_s,
            failures_in_row=circuit.in_row,
            last_error=circuit.code,
            running=self.gates.count_running(place),
            first_token_ms=pace.first_token_ms,
            tokens_per_s=pace.tokens_per_s,
        )

    def _find_tariff(self, input_tokens: int, at_ns: int, name: str, target: Target) -> Tariff | None:
        """What a call with so much input is charged under a name, if this target alone may serve it."""
        try:
            price = self.prices.sale(name, (target,), at_ns).price
        except Unpriced:
            return None
        rates = price.rates_for(input_tokens)
        return Tariff(
            input_pusd=rates.rate("input"),
            output_pusd=rates.rate("output"),
            call_pusd=price.call,
            image_pusd=price.image,
        )

    def heed(self, outcome: Outcome) -> None:
        """Learn how quick the target was that served."""
        self._health.heed(outcome, time.monotonic_ns())

    def suit(self, plan: Plan, peek: Peek, body: bytes, dialect: Dialect) -> Plan:
        """The plan without those who are known to lack what is asked, and without names whose calls have no price for
        it. Raises UnsupportedParameter, Unpriced if nobody is left.
        """
        able = keep_able(plan, self.abilities, peek, body, dialect.name, dialect.read_request)
        return self._keep_sellable(able, peek, body, dialect) if able.others else able

    def _keep_sellable(self, plan: Plan, peek: Peek, body: bytes, dialect: Dialect) -> Plan:
        """One name that cannot be sold takes none of the others along."""
        read = cache(dialect.read_request)
        find_reach = partial(self._reaches.of_call, dialect=dialect.name)
        refusals: dict[str, Unpriced | UnsupportedParameter] = {}
        names = dict.fromkeys(target.sold_as for target in plan.targets)
        for name in names:
            targets = tuple(target for target in plan.targets if target.sold_as == name)
            alone = Plan(name or plan.request_model, plan.operation, targets)
            try:
                make_quote(self.prices, alone, peek, body, read, find_reach, time.time_ns())
            except (Unpriced, UnsupportedParameter) as refusal:
                refusals[name] = refusal
        if len(refusals) == len(names):
            raise next(iter(refusals.values()))
        if not refusals:
            return plan
        kept = tuple(target for target in plan.targets if target.sold_as not in refusals)
        left_out = (
            Excluded(target, refusals[target.sold_as].message, "unpriced")
            for target in plan.targets
            if target.sold_as in refusals
        )
        return replace(plan, targets=kept, excluded=(*plan.excluded, *left_out))

    def quote(self, plan: Plan, peek: Peek, body: bytes, dialect: Dialect) -> Quote:
        """What a call may cost at most, at the prices of this moment."""
        find_reach = partial(self._reaches.of_call, dialect=dialect.name)
        quote = make_quote(self.prices, plan, peek, body, dialect.read_request, find_reach, time.time_ns())
        for sale in quote.list_sales():
            if sale.price_version not in self._quoted:
                self._note(sale)
        return quote

    def find_price(self, record: ModelRecord) -> Price | None:
        """What a model is sold for at this moment; None if it has no price."""
        try:
            return self.prices.sale(record.id, record.targets, time.time_ns()).price
        except Unpriced:
            return None

    def list_quoted(self) -> tuple[PriceRow, ...]:
        """The prices that calls were quoted lately: receipts name them, so they belong on record. From any thread."""
        return tuple(self._quoted.values())

    def _note(self, sale: Sale) -> None:
        kept = self._quoted
        if len(kept) >= QUOTED_MAX:
            # Names that are free can be made up without end. They must not displace what somebody pays.
            kept = {version: row for version, row in kept.items() if row.terms != _FREE_TERMS}
        if len(kept) >= QUOTED_MAX:
            kept = {}
        # A new dict: whoever lists the old one at this moment must not see it grow.
        self._quoted = {**kept, sale.price_version: write_row(sale.price)}

    def count_costs(self, attempts: Iterable[tuple[Target, Usage]]) -> tuple[Cost, ...]:
        """What the house owes for attempts, at the prices of this moment."""
        return count_costs(self.prices, attempts, time.time_ns())
