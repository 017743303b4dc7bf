"""Who would serve a call, and who not, and why: ``POST /v1/route/explain``.

The body is that of a quote: the address the call would go to, and its body. Nothing is sent, held or
drawn, and no target's turn is used up.
"""

from typing import Any

from msgspec import Struct

from tallygate.access.permissions import ROUTING_VIEW, require
from tallygate.access.principal import Principal
from tallygate.api.door import Reply, Request, envelope_reply
from tallygate.api.query import read_query
from tallygate.api.quote import count_most, read_asked
from tallygate.api.shown import show_amount
from tallygate.dialects.base import Dialect
from tallygate.errors import TallygateError
from tallygate.genai.peek import Peek
from tallygate.genai.plan import Excluded, Plan, Target
from tallygate.ledger.money import print_price_per_million
from tallygate.pipeline.supply import Supply
from tallygate.router.choice import Sight, Survey, refuse
from tallygate.router.manners import IN_ORDER
from tallygate.router.wishes import Tariff


class Routes(Struct, frozen=True):
    """What the door asks: who can be called now, and how deep a body may nest."""

    supply: Supply
    json_depth_max: int


class Would(Struct, frozen=True):
    """What would become of a call before anything is sent: its plan, the most it could cost, or the refusal."""

    targets: tuple[Target, ...]
    excluded: tuple[Excluded, ...]
    most_nusd: int | None = None
    refusal: TallygateError | None = None


async def show_route(routes: Routes, request: Request, principal: Principal) -> Reply:
    """The route. Raises what the call itself would be refused with before a plan is made."""
    read_query(request.query, ())
    url, dialect, peek, body = read_asked(request, routes.json_depth_max)
    require(principal, ROUTING_VIEW, model=peek.model if peek.routing is None else None)
    supply = routes.supply
    found = supply.survey(peek, dialect.operation, principal.models, principal.workspace_id)
    would = _try(supply, found, peek, body, dialect)
    sight = supply.look_round(peek.body_bytes)
    shown: dict[str, Any] = {
        "url": url,
        "model": peek.model,
        "models": list(found.sold),
        "operation": dialect.operation,
        "choose": (peek.routing and peek.routing.sort) or sight.manners.get(peek.model, IN_ORDER).choose,
        "targets": [
            _show_target(supply, sight, peek.model, target, principal.workspace_id) for target in would.targets
        ],
        "excluded": [_show_excluded(item) for item in would.excluded],
    }
    most = {"max_cost_usd": None, "max_cost_nusd": None}
    if would.most_nusd is not None:
        most = show_amount("max_cost", would.most_nusd)
    return envelope_reply({**shown, **most, "refusal": _show_refusal(would.refusal)}, request)


def _try(supply: Supply, found: Survey, peek: Peek, body: bytes, dialect: Dialect) -> Would:
    """As the hallway goes, up to where a call's money is looked at."""
    if not found.sold:
        return Would((), found.excluded, refusal=refuse(found.names, found.excluded))
    plan = Plan(found.sold[0], dialect.operation, found.targets, found.excluded, found.sold[1:])
    try:
        plan = supply.suit(plan, peek, body, dialect)
        quote = supply.quote(plan, peek, body, dialect)
    except TallygateError as refusal:
        return Would(plan.targets, plan.excluded, refusal=refusal)
    return Would(plan.targets, plan.excluded, most_nusd=count_most(quote.bound))


def _show_target(supply: Supply, sight: Sight, called: str, target: Target, caller: str) -> dict[str, Any]:
    name = target.sold_as or called
    pace, place = sight.find_pace(target), (target.provider, target.model)
    return {
        "target": str(target),
        "provider": target.provider,
        "model": target.model,
        "sold_as": name,
        "weight": sight.manners.get(name, IN_ORDER).find_weight(target),
        "price": _show_price(sight.find_tariff(name, target)),
        "first_token_ms": pace.first_token_ms,
        "tokens_per_s": pace.tokens_per_s,
        "circuit": supply.gates.find_state(place, caller),
        "running": supply.gates.count_running(place),
    }


def _show_price(tariff: Tariff | None) -> dict[str, str | None] | None:
    if tariff is None:
        return None
    sides = {"input": tariff.input_pusd, "output": tariff.output_pusd}
    return {side: None if pusd is None else print_price_per_million(pusd) for side, pusd in sides.items()}


def _show_excluded(item: Excluded) -> dict[str, Any]:
    shown = {"target": str(item.target), "cause": item.cause, "reason": item.reason}
    return {**shown, "retry_in_s": item.wait_s} if item.wait_s else shown


def _show_refusal(error: TallygateError | None) -> dict[str, Any] | None:
    if error is None:
        return None
    return {"status": error.status, "code": error.code, "message": error.message, "metadata": error.details}
