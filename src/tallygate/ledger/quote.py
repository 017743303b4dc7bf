"""What a call will cost at most and at which price, before it is made, and what its attempts cost the house after it.

Joins the price list with the bound for the one who walks the call. Pure: no clock, no socket, no database.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from msgspec import Struct

from tallygate.genai.ceilings import Reach
from tallygate.genai.items import Bound, Cost
from tallygate.genai.outcome import Outcome
from tallygate.genai.peek import Peek
from tallygate.genai.plan import Plan, Target
from tallygate.genai.usage import Usage
from tallygate.ledger.bound import bound_call
from tallygate.ledger.embed_bound import bound_embeddings
from tallygate.ledger.pricelist import PriceList
from tallygate.ledger.prices import Price, charge

FindReach = Callable[[Target], Reach]
Read = Callable[[bytes], Any]
"""A dialect's reader of requests: it gives the values of its operation."""


class BoundCall(Protocol):
    """The bound of one call at a sale price. Raises Unpriced, UnsupportedParameter, and what `read` raises."""

    def __call__(self, price: Price, peek: Peek, body: bytes, reaches: Sequence[Reach], read: Read, /) -> Bound:
        """`peek` is of `body`, `reaches` of the targets that may serve it, `read` its dialect's reader."""
        ...


BOUNDS: Final[Mapping[str, BoundCall]] = {"chat": bound_call, "embed": bound_embeddings}
"""By what is asked of the model."""


class Sale(Struct, frozen=True):
    """What a call costs under one name: its sale price, the name of the price's version, and the most it can cost."""

    price: Price
    price_version: str
    bound: Bound


class Quote(Sale, frozen=True):
    """The sale that the call's hold pins. Where the caller named several models, `sales` has one for each name that can
    serve, by what its targets bear in `sold_as`, and `bound` is the dearest of theirs.
    """

    sales: Mapping[str, Sale] = {}

    def find_sale(self, outcome: Outcome) -> Sale:
        """The sale that a call's end is charged by: that of the name that was asked last."""
        if not self.sales or not outcome.attempts:
            return self
        return self.sales[outcome.attempts[-1].target.sold_as]

    def list_sales(self) -> Iterable[Sale]:
        """Every sale that the call can come to."""
        return self.sales.values() or (self,)


def make_quote(
    prices: PriceList, plan: Plan, peek: Peek, body: bytes, read: Read, find_reach: FindReach, at_ns: int
) -> Quote:
    """The quote for a call over all targets of its plan.

    `peek` is of `body`, `read` its dialect's reader. Raises Unpriced, UnsupportedParameter, and what `read` raises.
    """
    reaches = [find_reach(target) for target in plan.targets]
    bound_at = BOUNDS[plan.operation]
    if not plan.others:
        sale = prices.sale(plan.request_model, plan.targets, at_ns)
        return Quote(sale.price, sale.name, bound_at(sale.price, peek, body, reaches, read))
    sales: dict[str, Sale] = {}
    read = _read_once(read)
    for sold_as, targets in _group(plan.targets).items():
        sale = prices.sale(sold_as or plan.request_model, targets, at_ns)
        sales[sold_as] = Sale(sale.price, sale.name, bound_at(sale.price, peek, body, reaches, read))
    first = next(iter(sales.values()))
    return Quote(first.price, first.price_version, _join([sale.bound for sale in sales.values()]), sales)


def _read_once(read: Read) -> Read:
    """The reader of one body, which may be megabytes long and is the same under every name."""
    found: list[Any] = []

    def read_once(body: bytes) -> Any:
        if not found:
            found.append(read(body))
        return found[0]

    return read_once


def _group(targets: Iterable[Target]) -> dict[str, tuple[Target, ...]]:
    """The targets of each name, in the order the names are tried."""
    groups: dict[str, tuple[Target, ...]] = {}
    for target in targets:
        groups[target.sold_as] = (*groups.get(target.sold_as, ()), target)
    return groups


def _join(bounds: Sequence[Bound]) -> Bound:
    """A bound that is above each. Each cap is one that every target can give, so the longest of them is one too."""
    leasts = [bound.output_tokens_min for bound in bounds if bound.output_tokens_min is not None]
    return Bound(
        fixed_nusd=max(bound.fixed_nusd for bound in bounds),
        output_price_pusd=max(bound.output_price_pusd for bound in bounds),
        output_tokens_max=max(bound.output_tokens_max for bound in bounds),
        output_tokens_min=max(leasts) if len(leasts) == len(bounds) else None,
        input_tokens_max=max(bound.input_tokens_max for bound in bounds),
        answers=max(bound.answers for bound in bounds),
    )


def count_costs(prices: PriceList, attempts: Iterable[tuple[Target, Usage]], at_ns: int) -> tuple[Cost, ...]:
    """What the house owes for attempts that used something, one amount for each; none for what is free or not known."""
    costs: list[Cost] = []
    for target, usage in attempts:
        version = prices.cost(target, at_ns)
        amount_nusd = 0 if version is None else charge(version.price, usage)
        if amount_nusd:
            costs.append(Cost(target.provider, amount_nusd))
    return tuple(costs)
