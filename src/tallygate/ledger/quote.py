"""What a call will cost at most and at which price, before it is made, and what its attempts cost the house after it.

Joins the price list with the bound for the one who walks the call. Pure: no clock, no socket, no database.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from msgspec import Struct

from tallygate.genai.ceilings import Reach
from tallygate.genai.items import Bound, Cost
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


class Quote(Struct, frozen=True):
    """The sale price that the call's hold pins, the name of its version, and the most the call can cost at it."""

    price: Price
    price_version: str
    bound: Bound


def make_quote(
    prices: PriceList, plan: Plan, peek: Peek, body: bytes, read: Read, find_reach: FindReach, at_ns: int
) -> Quote:
    """The quote for a call over all targets of its plan.

    `peek` is of `body`, `read` its dialect's reader. Raises Unpriced, UnsupportedParameter, and what `read` raises.
    """
    sale = prices.sale(plan.request_model, plan.targets, at_ns)
    bound = BOUNDS[plan.operation](sale.price, peek, body, [find_reach(target) for target in plan.targets], read)
    return Quote(sale.price, sale.name, bound)


def count_costs(prices: PriceList, attempts: Iterable[tuple[Target, Usage]], at_ns: int) -> tuple[Cost, ...]:
    """What the house owes for attempts that used something, one amount for each; none for what is free or not known."""
    costs: list[Cost] = []
    for target, usage in attempts:
        version = prices.cost(target, at_ns)
        amount_nusd = 0 if version is None else charge(version.price, usage)
        if amount_nusd:
            costs.append(Cost(target.provider, amount_nusd))
    return tuple(costs)
