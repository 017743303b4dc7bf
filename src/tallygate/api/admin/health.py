"""How targets are, for the admin: ``GET /v1/admin/health``. What is told of them is known to the router."""

from typing import Any

from tallygate.api.admin.desk import Desk
from tallygate.api.door import Reply, Request, envelope_reply
from tallygate.api.query import read_query
from tallygate.router.health import TargetHealth


async def list_health(desk: Desk, request: Request) -> Reply:
    """Every target that a listed name leads to, or that something is known of, as far as this process knows."""
    read_query(request.query, ())
    return envelope_reply([_show(row) for row in desk.list_health()], request)


def _show(row: TargetHealth) -> dict[str, Any]:
    return {
        "target": f"{row.provider}/{row.model}",
        "provider": row.provider,
        "model": row.model,
        "circuit": row.circuit,
        "retry_in_s": row.retry_in_s,
        "failures_in_row": row.failures_in_row,
        "last_error": row.last_error or None,
        "running": row.running,
        "first_token_ms": row.first_token_ms,
        "tokens_per_s": row.tokens_per_s,
    }
