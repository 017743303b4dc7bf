"""The doors to a caller's own money: balance, key, one call, a quote. Sums are in `usage`.

They read and render. Whose figures they are follows from the key alone: nothing in a request can widen it.
"""

import time
from collections.abc import Callable

from msgspec import Struct

from tallygate.access.permissions import ACCOUNTING_TENANT
from tallygate.access.principal import Principal
from tallygate.api.door import Reply, Request, envelope_reply
from tallygate.api.query import need, read_query
from tallygate.api.shown import RATE_NAMES, show_amount, show_budget, show_moment, show_number, show_rate
from tallygate.errors import InvalidApiKey, NotFound
from tallygate.genai.book import SLOTS_MAX, Budget, Rate
from tallygate.genai.details import Details, read_details
from tallygate.ledger.rates import find_standings, leak
from tallygate.ledger.windows import roll
from tallygate.store.driver import DriverConnection
from tallygate.store.enquirer import Enquirer
from tallygate.store.usage import Account, CallFacts, KeyFacts, Scope, find_account, find_call, find_key_facts


class Accounts(Struct, frozen=True):
    """What these doors ask: the database, how many calls a user may have open by default, and the time."""

    enquirer: Enquirer
    slots_max: int = SLOTS_MAX
    clock_ns: Callable[[], int] = time.time_ns


class Standing(Struct, frozen=True):
    """A key and the account it pays from, with the budgets and rates that bind it as they are now."""

    key: KeyFacts
    account: Account
    budgets: tuple[Budget, ...]
    rates: tuple[Rate, ...]


def find_scope(principal: Principal) -> Scope:
    """Whose calls a principal may see: its workspace's, or its own user's."""
    whole = ACCOUNTING_TENANT in principal.permissions
    return Scope(principal.workspace_id, None if whole else principal.user_id)


async def find_standing(accounts: Accounts, principal: Principal) -> Standing:
    """Raises InvalidApiKey for a key that has gone in the meantime, StoreUnavailable."""
    owners = (principal.workspace_id, principal.user_id, principal.key_id)

    def read(connection: DriverConnection) -> tuple[KeyFacts | None, Account | None]:
        account = find_account(connection, principal.workspace_id, owners)
        return find_key_facts(connection, principal.key_id), account

    key, account = await accounts.enquirer.ask(read)
    if key is None or account is None:
        raise InvalidApiKey
    now_ns = accounts.clock_ns()
    budgets = tuple(roll(budget, now_ns) for budget in account.budgets)
    return Standing(key, account, budgets, tuple(leak(rate, now_ns) for rate in account.rates))


async def show_credits(accounts: Accounts, request: Request, principal: Principal) -> Reply:
    """``GET /v1/credits``: the balance that the key's calls are paid from, and every budget that binds them.

    `total_credits` and `total_usage` bear the names and the meaning that they have at OpenRouter; they speak of the
    whole workspace, so only a key that may see it is told (openrouter.ai/docs/api-reference/credits).
    """
    read_query(request.query, ())
    standing = await find_standing(accounts, principal)
    account = standing.account
    data: dict[str, object] = {
        "workspace_id": principal.workspace_id,
        "workspace": standing.key.workspace,
        **show_amount("posted", account.posted_nusd),
        **show_amount("held", account.held_nusd),
        **show_amount("available", account.posted_nusd - account.held_nusd),
        "budgets": [show_budget(budget) for budget in standing.budgets],
    }
    if ACCOUNTING_TENANT in principal.permissions:
        data["total_credits"] = show_number(account.funded_nusd)
        data["total_usage"] = show_number(account.funded_nusd - account.posted_nusd)
    return envelope_reply(data, request)


async def show_key(accounts: Accounts, request: Request, principal: Principal) -> Reply:
    """``GET /v1/key``: what the key is and may do. Any live key may ask.

    `limit`, `limit_remaining` and `limit_reset` are the key's tightest own budget, `label` its ends, as at OpenRouter
    (openrouter.ai/docs/api-reference/api-keys/get-current-key).
    """
    read_query(request.query, ())
    standing = await find_standing(accounts, principal)
    key = standing.key
    own = [budget for budget in standing.budgets if budget.level == "key"]
    tightest = min(own, key=lambda budget: budget.limit_nusd - budget.spent_nusd - budget.held_nusd, default=None)
    user_max = accounts.slots_max if key.user_slots_max is None else key.user_slots_max
    data: dict[str, object] = {
        "id": key.id,
        "name": key.name,
        "label": f"{key.prefix}...{key.last4}",
        "last4": key.last4,
        "workspace_id": key.workspace_id,
        "workspace": key.workspace,
        "user_id": key.user_id,
        "user": key.user,
        # What it was granted counts as far as its user's role goes.
        "permissions": sorted(principal.permissions),
        "models": key.models,
        "created_at": show_moment(key.created_at_ns),
        "expires_at": show_moment(key.expires_at_ns),
        "concurrency": {
            "used": key.slots_used,
            "limit": user_max if key.slots_max is None else min(user_max, key.slots_max),
        },
        "shorten": key.shortens,
        "budgets": [show_budget(budget) for budget in own],
        "rpm": None,
        "tpm": None,
        **{RATE_NAMES[rate.kind]: show_rate(rate) for rate in find_standings(standing.rates)},
        "limit": None,
        "limit_remaining": None,
        "limit_reset": None,
    }
    if tightest is not None:
        left_nusd = max(0, tightest.limit_nusd - tightest.spent_nusd - tightest.held_nusd)
        data["limit"] = show_number(tightest.limit_nusd)
        data["limit_remaining"] = show_number(left_nusd)
        data["limit_reset"] = None if tightest.period == "total" else tightest.period
    return envelope_reply(data, request)


async def show_generation(accounts: Accounts, request: Request, principal: Principal) -> Reply:
    """``GET /v1/generation?id=``: one call. Somebody else's is as unknown as one that never was. Raises NotFound."""
    call_id = need(read_query(request.query, ("id",)), "id")
    scope = find_scope(principal)
    call = await accounts.enquirer.ask(lambda connection: find_call(connection, scope, call_id))
    if call is None:
        raise NotFound("There is no call of this id.", param="id")
    return envelope_reply(_show_call(call, read_details(call.details)), request)


def _show_call(call: CallFacts, details: Details | None) -> dict[str, object]:
    """The call with OpenRouter's names where it has one (openrouter.ai/docs/api-reference/generations), and ours."""
    ended = call.state != "open"
    data: dict[str, object] = {
        "id": call.id,
        "model": call.model,
        "created_at": show_moment(call.opened_at_ns),
        "ended_at": show_moment(call.ended_at_ns),
        "state": call.state,
        "key_id": call.key_id,
        "user_id": call.user_id,
        "tokens_prompt": call.input_tokens,
        "tokens_completion": call.output_tokens,
        "total_cost": show_number(call.charged_nusd) if ended else None,
        **show_amount("charged", call.charged_nusd),
        **show_amount("refunded", call.refunded_nusd),
        **show_amount("reserved", call.amount_nusd),
        "output_tokens_max": call.output_tokens_max,
        "price_version": call.price_version,
        "sequence": call.sequence or None,
    }
    return data | _show_story(details) if details is not None else data


def _show_story(details: Details) -> dict[str, object]:
    first_ms = details.first_chunk_ms
    return {
        "request_id": details.request_id,
        "operation": details.operation,
        "api_type": details.dialect,
        "status": details.status,
        "streamed": details.stream,
        "cancelled": details.status == "cancelled",
        "provider_name": details.provider or None,
        "provider_model": details.model or None,
        "sold_as": details.sold_as or None,
        "finish_reason": details.finish_reasons[0] if details.finish_reasons else None,
        "latency": first_ms if first_ms is not None else details.duration_ms,
        "generation_time": details.duration_ms,
        "usage": details.usage,
        "usage_source": details.usage_source,
        "attempts": details.attempts,
        "dropped": details.dropped,
        "guardrails": details.guardrails,
        "error_code": details.error_code or None,
    }
