"""``POST /v1/quote``: what a call would cost at most, at which price, and whether the balance covers it.

The body is that of a line in a batch: the address the call would go to, and its body. No slot is taken and nothing is
held; the figures are those that the call itself would meet now.
"""

import time
from collections.abc import Callable
from typing import Annotated, Any

from msgspec import Meta, Raw, Struct

from tallygate.access.permissions import ROUTING_VIEW, require
from tallygate.access.principal import Principal
from tallygate.access.refusals import explain_refusal
from tallygate.access.trial import try_call
from tallygate.api.account import Accounts, Standing, find_standing
from tallygate.api.body import read_body
from tallygate.api.door import Reply, Request, envelope_reply
from tallygate.api.query import read_query
from tallygate.api.shown import show_amount
from tallygate.api.urls import URLS
from tallygate.dialects.base import Dialect
from tallygate.dialects.registry import CLIENT_DIALECTS
from tallygate.errors import InvalidValue
from tallygate.genai.book import Wallet
from tallygate.genai.items import Bound
from tallygate.genai.peek import Peek
from tallygate.genai.plan import Plan
from tallygate.genai.results import Held, Refused
from tallygate.ledger.money import print_price_per_million, round_up
from tallygate.ledger.quote import Quote
from tallygate.ledger.terms import FREE, print_price
from tallygate.pipeline.run import MakePlan, MakeQuote, Suit

QUOTABLE = {route.path: route for route in URLS if route.billable and "{" not in route.path}
"""Addresses of calls that cost something."""


class QuoteBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What a call would be."""

    url: Annotated[str, Meta(description=f"the address of the call: {' or '.join(QUOTABLE)}")]
    body: Annotated[Raw, Meta(description="the body of the call, a JSON object")]


class Quotes(Struct, frozen=True):
    """What the door asks: the plan and the quote that the hallway makes, and the caller's account."""

    accounts: Accounts
    plan: MakePlan
    suit: Suit
    quote: MakeQuote
    json_depth_max: int
    clock_ns: Callable[[], int] = time.time_ns


async def show_quote(quotes: Quotes, request: Request, principal: Principal) -> Reply:
    """The quote. Raises what the call itself would be refused with before its money is looked at."""
    read_query(request.query, ())
    url, dialect, peek, body = read_asked(request, quotes.json_depth_max)
    require(principal, ROUTING_VIEW, model=peek.model if peek.routing is None else None)
    plan = quotes.plan(peek, dialect.operation, principal.models, principal.workspace_id)
    plan = quotes.suit(plan, peek, body, dialect)
    quote = quotes.quote(plan, peek, body, dialect)
    standing = await find_standing(quotes.accounts, principal)
    found = _try(standing, principal, quote, peek.model, quotes.clock_ns())
    shown = {"url": url, "model": peek.model, **_show(quote, standing, found)}
    if plan.others:
        shown["models"] = _show_sales(plan, quote)
    return envelope_reply(shown, request)


def read_asked(request: Request, json_depth_max: int) -> tuple[str, Dialect, Peek, bytes]:
    """The call that a body asks about: its address, the dialect spoken there, its outline and its own body.

    Raises InvalidValue for an address where no call costs anything, and what reading the call's body raises.
    """
    asked = read_body(request.body, QuoteBody, json_depth_max)
    route = QUOTABLE.get(asked.url)
    if route is None:
        raise InvalidValue(f"`url` must be {' or '.join(QUOTABLE)}.", param="url")
    dialect, body = CLIENT_DIALECTS[route.dialect], bytes(asked.body)
    return asked.url, dialect, dialect.peek(body, json_depth_max), body


def _try(standing: Standing, principal: Principal, quote: Quote, model: str, now_ns: int) -> Held | Refused:
    account = standing.account
    return try_call(
        principal,
        quote,
        model=model,
        wallet=Wallet(principal.workspace_id, account.posted_nusd, account.held_nusd),
        budgets=standing.budgets,
        shortens=standing.key.shortens,
        now_ns=now_ns,
    )


def _show(quote: Quote, standing: Standing, found: Held | Refused) -> dict[str, Any]:
    bound, account = quote.bound, standing.account
    shown: dict[str, Any] = {
        "price_version": quote.price_version,
        "price": FREE if quote.price.free else print_price(quote.price),
        **show_amount("max_cost", count_most(bound)),
        **show_amount("fixed", bound.fixed_nusd),
        "output_usd_per_million": print_price_per_million(bound.output_price_pusd),
        "output_tokens_max": bound.output_tokens_max,
        "covered": isinstance(found, Held),
        **show_amount("available", account.posted_nusd - account.held_nusd),
    }
    if isinstance(found, Held):
        # A short balance may still cover the call with a shorter answer, where the caller named no cap.
        granted = {"output_tokens_granted": found.hold.output_tokens_max, **show_amount("held", found.hold.amount_nusd)}
        return {**shown, **granted, "refusal": None}
    error = explain_refusal(found)
    refusal = {"status": error.status, "code": error.code, "message": error.message, "metadata": error.details}
    return {**shown, "output_tokens_granted": None, "refusal": refusal}


def _show_sales(plan: Plan, quote: Quote) -> list[dict[str, Any]]:
    """Of several names each one that can serve, with its own price."""
    return [
        {
            "model": sold_as or plan.request_model,
            "price_version": sale.price_version,
            "price": FREE if sale.price.free else print_price(sale.price),
            **show_amount("max_cost", count_most(sale.bound)),
        }
        for sold_as, sale in quote.sales.items()
    ]


def count_most(bound: Bound) -> int:
    """The most that a call of this bound can cost, in nano-USD."""
    return bound.fixed_nusd + round_up(bound.output_price_pusd * bound.output_tokens_max)
