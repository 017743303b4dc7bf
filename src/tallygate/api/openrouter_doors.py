"""The doors to a caller's own money in OpenRouter's shapes: credits, key, one call (openrouter.ai/docs/api-reference).

They show what `account` shows, under other names; members that mean nothing here stand there empty, because clients
look for them. Whose figures they are follows from the key alone.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

from msgspec import structs

from tallygate.access.permissions import ACCOUNTING_TENANT, require
from tallygate.access.principal import Principal
from tallygate.api.account import Accounts, find_scope, find_standing
from tallygate.api.door import Reply, Request, json_reply
from tallygate.api.query import need, read_query
from tallygate.api.shown import show_moment, show_number
from tallygate.dialects.registry import NAMING
from tallygate.errors import NotFound
from tallygate.genai.book import Budget, Period, Rate
from tallygate.genai.details import Details, Tried, read_details
from tallygate.ledger.rates import find_standings
from tallygate.ledger.windows import find_window_end_ns, find_window_start_ns
from tallygate.store.driver import DriverConnection
from tallygate.store.usage import CallFacts, find_call, sum_key

DIALECT: Final = "openrouter_chat"
_PREFIX: Final = NAMING[DIALECT].name_answer("")

_PERIODS: Final[tuple[Period, ...]] = ("total", "daily", "weekly", "monthly")
_SCOPES: Final = {"key": "api_key", "user": "member", "workspace": "workspace"}
"""Whose a budget is, in the words of this wire."""

_API_TYPES: Final = {"chat": "completions", "embed": "embeddings"}

Serve = Callable[[Accounts, Request, Principal], Awaitable[Reply]]


async def serve_account(accounts: Accounts, path: str, request: Request, principal: Principal) -> Reply:
    """Serve one request. `path` is that of the route. Nobody may keep the answer: it is somebody's money."""
    reply = await DOORS[path](accounts, request, principal)
    return structs.replace(reply, headers=(("cache-control", "no-store"),))


async def show_credits(accounts: Accounts, request: Request, principal: Principal) -> Reply:
    """``GET /api/v1/credits``: what the workspace ever paid in, and what of it is used.

    Raises PermissionDenied for a key that may not see the whole workspace.
    """
    read_query(request.query, ())
    require(principal, ACCOUNTING_TENANT)
    account = (await find_standing(accounts, principal)).account
    used_nusd = account.funded_nusd - account.posted_nusd
    return json_reply(
        {"data": {"total_credits": show_number(account.funded_nusd), "total_usage": show_number(used_nusd)}}
    )


async def show_key(accounts: Accounts, request: Request, principal: Principal) -> Reply:
    """``GET /api/v1/key``: the key that asks, what it spent, and the tightest of its budgets."""
    read_query(request.query, ())
    standing = await find_standing(accounts, principal)
    now_ns = accounts.clock_ns()
    starts = [find_window_start_ns(period, now_ns) for period in _PERIODS]

    def read(connection: DriverConnection) -> list[int]:
        return sum_key(connection, principal.workspace_id, principal.key_id, starts)

    total, daily, weekly, monthly = map(show_number, await accounts.enquirer.ask(read))
    key, nothing = standing.key, show_number(0)
    tightest = min(standing.budgets, key=_count_left, default=None)
    own = min((budget for budget in standing.budgets if budget.level == "key"), key=_count_left, default=None)
    data: dict[str, object] = {
        "label": f"{key.prefix}...{key.last4}",
        "usage": total,
        "usage_daily": daily,
        "usage_weekly": weekly,
        "usage_monthly": monthly,
        **dict.fromkeys(("byok_usage", "byok_usage_daily", "byok_usage_weekly", "byok_usage_monthly"), nothing),
        "include_byok_in_limit": False,
        "limit": None if own is None else show_number(own.limit_nusd),
        "limit_remaining": None if own is None else show_number(_count_left(own)),
        "limit_reset": None if own is None else _find_reset(own),
        "budgets": [_show_budget(budget) for budget in standing.budgets],
        "effective_budget": None if tightest is None else _show_budget(tightest),
        "is_free_tier": False,
        "is_management_key": False,
        "is_provisioning_key": False,
        "expires_at": show_moment(key.expires_at_ns),
        "creator_user_id": key.user_id,
        "organization_id": None,
        "workspace_id": key.workspace_id,
        "rate_limit": _show_rate_limit(standing.rates),
        "free_model_daily_requests": {"limit": 0, "remaining": 0, "used": 0},
        "allowed_data_regions": [],
    }
    return json_reply({"data": data})


def _count_left(budget: Budget) -> int:
    return max(0, budget.limit_nusd - budget.spent_nusd - budget.held_nusd)


def _find_reset(budget: Budget) -> str | None:
    return None if budget.period == "total" else budget.period


def _show_rate_limit(rates: Iterable[Rate]) -> dict[str, object]:
    """How many requests there may be; -1 where nobody counts them. OpenRouter itself tells no more than that."""
    counted = next((standing for standing in find_standings(rates) if standing.kind == "requests"), None)
    if counted is None:
        return {"requests": -1, "interval": "60s", "note": "Requests are not counted for this key."}
    return {"requests": counted.limit, "interval": "60s", "note": f"{counted.remaining} are left."}


def _show_budget(budget: Budget) -> dict[str, object]:
    return {
        "budget_id": budget.id,
        "guardrail_id": None,
        "include_byok": False,
        "limit_usd": show_number(budget.limit_nusd),
        "remaining_usd": show_number(_count_left(budget)),
        "spend_usd": show_number(budget.spent_nusd),
        "reset_interval": _find_reset(budget),
        "resets_at": show_moment(find_window_end_ns(budget.period, budget.window_start_ns)),
        "scope": _SCOPES[budget.level],
    }


async def show_generation(accounts: Accounts, request: Request, principal: Principal) -> Reply:
    """``GET /api/v1/generation?id=``: one call that has come to its end, by its answer's id or its own.

    Raises NotFound, also for one that still runs.
    """
    call_id = need(read_query(request.query, ("id",)), "id").removeprefix(_PREFIX)
    scope = find_scope(principal)
    call = await accounts.enquirer.ask(lambda connection: find_call(connection, scope, call_id))
    if call is None or call.state != "posted":
        raise NotFound("There is no call of this id that has come to its end.", param="id")
    return json_reply({"data": _show_call(call, read_details(call.details), principal.workspace_id)})


def _show_call(call: CallFacts, details: Details | None, workspace_id: str) -> dict[str, object]:
    cost = show_number(call.charged_nusd - call.refunded_nusd)
    return {
        "id": _PREFIX + call.id,
        "model": call.model,
        "created_at": show_moment(call.opened_at_ns),
        "total_cost": cost,
        "usage": cost,
        "tokens_prompt": call.input_tokens,
        "tokens_completion": call.output_tokens,
        "native_tokens_prompt": call.input_tokens,
        "native_tokens_completion": call.output_tokens,
        "is_byok": False,
        "origin": "",
        "data_region": "global",
        "workspace_id": workspace_id,
        **dict.fromkeys(_UNKNOWN),
        **({} if details is None else _show_story(details)),
    }


_UNKNOWN: Final = (
    "api_type", "app_id", "cache_discount", "cancelled", "external_user", "finish_reason", "generation_time",
    "http_referer", "latency", "moderation_latency", "native_finish_reason", "native_tokens_cached",
    "native_tokens_completion_images", "native_tokens_reasoning", "num_fetches", "num_input_audio_prompt",
    "num_media_completion", "num_media_prompt", "num_search_results", "preset_id", "provider_name",
    "provider_responses", "request_id", "router", "service_tier", "session_id", "streamed", "upstream_id",
    "upstream_inference_cost", "user_agent", "web_search_engine",
)  # fmt: skip
"""Members that are there always, and null where nothing is kept of them."""


def _show_story(details: Details) -> dict[str, object]:
    first_ms = details.first_chunk_ms
    return {
        "model": details.sold_as or details.request_model,
        "api_type": _API_TYPES.get(details.operation),
        "request_id": details.request_id,
        "streamed": details.stream,
        "cancelled": details.status == "cancelled",
        "provider_name": details.provider or None,
        "provider_responses": [_show_attempt(tried) for tried in details.attempts],
        "finish_reason": details.finish_reasons[0] if details.finish_reasons else None,
        "latency": first_ms if first_ms is not None else details.duration_ms,
        "generation_time": details.duration_ms,
        "native_tokens_cached": details.usage.get("cached_input_tokens"),
        "native_tokens_reasoning": details.usage.get("reasoning_tokens"),
    }


def _show_attempt(tried: Tried) -> dict[str, object]:
    return {"provider_name": tried.provider, "model_permaslug": tried.model, "status": tried.status or None}


DOORS: Final[Mapping[str, Serve]] = MappingProxyType(
    {
        "/api/v1/credits": show_credits,
        "/api/v1/key": show_key,
        "/api/v1/generation": show_generation,
    }
)
"""What serves each address."""
