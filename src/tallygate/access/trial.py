"""What the book would say to a call now, without asking it: the same fold, over rows that were read beside it.

For quotes. Nothing is held, so the answer may be outdated at once. Pure: no clock, no database.
"""

from collections.abc import Iterable

from tallygate.access.principal import Principal
from tallygate.genai.book import Budget, Key, Rows, User, Wallet, Workspace
from tallygate.genai.items import Admission
from tallygate.genai.results import Held, Refused
from tallygate.ledger.fold import fold
from tallygate.ledger.quote import Quote


def try_call(
    principal: Principal,
    quote: Quote,
    *,
    model: str,
    wallet: Wallet,
    budgets: Iterable[Budget],
    shortens: bool,
    now_ns: int,
) -> Held | Refused:
    """Whether wallet and budgets would cover a call of this principal. Slots are not looked at: they come and go."""
    rows = Rows(
        workspaces={principal.workspace_id: Workspace(principal.workspace_id, "active")},
        users={principal.user_id: User(principal.user_id, principal.workspace_id, "active")},
        keys={principal.key_id: _read_key(principal, shortens=shortens)},
        wallets={principal.workspace_id: wallet},
        budgets={budget.id: budget for budget in budgets},
    )
    item = Admission(
        hold_id="trial",
        epoch="trial",
        workspace_id=principal.workspace_id,
        user_id=principal.user_id,
        key_id=principal.key_id,
        key_version=principal.key_version,
        model=model,
        price_version=quote.price_version,
        bound=quote.bound,
    )
    (result,) = fold(rows, [item], now_ns).results
    assert isinstance(result, Held | Refused), result
    return result


def _read_key(principal: Principal, *, shortens: bool) -> Key:
    return Key(
        id=principal.key_id,
        workspace_id=principal.workspace_id,
        user_id=principal.user_id,
        status="active",
        version=principal.key_version,
        expires_at_ns=principal.expires_at_ns,
        shortens=shortens,
    )
