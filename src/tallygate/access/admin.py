"""Administrative operations on workspaces, users and keys, for the command line and the admin API alike.

Synchronous functions that take plain values and give frozen ones; a server calls them in a thread. What a name may look
like and which permissions exist is checked here, the rest (uniqueness, existence, the audit row) by `store` in the
change's own transaction. `actor` says who asks: `cli`, `system`, `admin` or a user's id. A workspace, user or key is
given by its name or its id.
"""

import time
import unicodedata
from collections.abc import Iterable, Mapping

from msgspec import UNSET, Struct, UnsetType, structs

from tallygate.access.keys import TENANT, Minter, digest, mint
from tallygate.access.limits import check_budgets, check_slots
from tallygate.access.permissions import DEFAULT_GRANT, check_grant
from tallygate.errors import InvalidValue
from tallygate.genai.secret import Secret
from tallygate.store import keys as stored_keys
from tallygate.store import tenants
from tallygate.store.audit import Change
from tallygate.store.database import Database
from tallygate.store.pages import EVERYTHING, Page
from tallygate.store.rows import FIRST_USER, KeyRecord, NewKey, UserRow, WorkspaceRow

NAME_SYMBOLS_MAX = 64
ID_PREFIXES = ("ws_", "usr_", "key_")
MODELS_MAX = 1_000


class CreatedKey(Struct, frozen=True):
    """A new key. `secret` is the key itself, which nobody can show a second time."""

    record: KeyRecord
    secret: Secret


def create_workspace(database: Database, name: str, *, actor: str) -> WorkspaceRow:
    """Create a workspace with its first user, `owner`. Raises InvalidValue, Conflict."""
    return tenants.create_workspace(database, _check_name(name), _change(actor))


def list_workspaces(database: Database, page: Page = EVERYTHING) -> list[WorkspaceRow]:
    """All workspaces, oldest first. Raises InvalidValue for a bad page."""
    return tenants.list_workspaces(database, page)


def disable_workspace(database: Database, workspace: str, *, actor: str) -> WorkspaceRow:
    """Close a workspace: the next call with any key of it is refused. Raises NotFound."""
    return tenants.disable_workspace(database, workspace, _change(actor))


def create_user(database: Database, workspace: str, name: str, *, actor: str) -> UserRow:
    """Create a user in a workspace. Raises InvalidValue, NotFound, Conflict."""
    return tenants.create_user(database, workspace, _check_name(name), _change(actor))


def list_users(database: Database, workspace: str | None = None, page: Page = EVERYTHING) -> list[UserRow]:
    """The users of a workspace, or all, oldest first. Raises NotFound, InvalidValue for a bad page."""
    return tenants.list_users(database, workspace, page)


def disable_user(database: Database, workspace: str, user: str, *, actor: str) -> UserRow:
    """Close a user: the next call with any key of theirs is refused. Raises NotFound."""
    return tenants.disable_user(database, workspace, user, _change(actor))


def create_key(
    database: Database,
    minter: Minter,
    *,
    workspace: str,
    actor: str,
    user: str = FIRST_USER,
    name: str = "",
    permissions: Iterable[str] | None = None,
    models: Iterable[str] | None = None,
    expires_at_ns: int | None = None,
    budgets_nusd: Mapping[str, int] | None = None,
    slots_max: int | None = None,
    shortens: bool = True,
) -> CreatedKey:
    """Create a key. Without `permissions` it gets the default grant, without `models` it may call every model, without
    `slots_max` it may have as many calls open as its user. `budgets_nusd` gives a limit for each period.

    Raises InvalidValue, NotFound, Conflict.
    """
    change = _change(actor)
    secret, new = _mint(
        minter,
        name=_check_name(name) if name else "",
        permissions=DEFAULT_GRANT if permissions is None else check_grant(permissions),
        models=None if models is None else _check_models(models),
        expires_at_ns=_check_expiry(expires_at_ns, change.at_ns),
    )
    new = structs.replace(
        new, budgets_nusd=check_budgets(budgets_nusd or {}), slots_max=check_slots(slots_max), shortens=shortens
    )
    return CreatedKey(stored_keys.create_key(database, workspace, user, new, change), secret)


def create_first_key(database: Database, minter: Minter, *, actor: str = "system") -> CreatedKey | None:
    """The first run: workspace `default`, user `owner` and one key with the default grant, all or nothing.

    None where a workspace exists already, also when another process has just made it.
    """
    secret, new = _mint(minter, name="first", permissions=DEFAULT_GRANT, models=None, expires_at_ns=None)
    record = stored_keys.create_first_key(database, new, _change(actor))
    return None if record is None else CreatedKey(record, secret)


def list_keys(database: Database, workspace: str | None = None, page: Page = EVERYTHING) -> list[KeyRecord]:
    """The keys of a workspace, or all, revoked ones too, oldest first. Raises NotFound, InvalidValue for a bad page."""
    return stored_keys.list_keys(database, workspace, page)


def change_key(
    database: Database,
    key: str,
    *,
    actor: str,
    workspace: str | None = None,
    permissions: Iterable[str] | UnsetType = UNSET,
    models: Iterable[str] | UnsetType | None = UNSET,
    expires_at_ns: int | UnsetType | None = UNSET,
) -> KeyRecord:
    """Change what a key may do, from its next call on. What is not given stays; `models` None means every model.

    Raises InvalidValue, NotFound, and Conflict for a revoked key or a name that several workspaces use.
    """
    change = _change(actor)
    return stored_keys.change_key(
        database,
        key,
        workspace,
        change,
        permissions=permissions if permissions is UNSET else check_grant(permissions),
        models=models if models is UNSET or models is None else _check_models(models),
        expires_at_ns=expires_at_ns if expires_at_ns is UNSET else _check_expiry(expires_at_ns, change.at_ns),
    )


def revoke_key(database: Database, key: str, *, actor: str, workspace: str | None = None) -> KeyRecord:
    """Revoke a key for ever: its next call is refused. Raises NotFound, Conflict (see `change_key`)."""
    return stored_keys.revoke_key(database, key, workspace, _change(actor))


def _mint(
    minter: Minter,
    *,
    name: str,
    permissions: frozenset[str],
    models: frozenset[str] | None,
    expires_at_ns: int | None,
) -> tuple[Secret, NewKey]:
    secret = mint(minter.prefix, TENANT)
    text = secret.reveal()
    new = NewKey(
        digest=digest(minter.pepper, text),
        name=name,
        prefix=f"{minter.prefix}{TENANT}_",
        last4=text[-4:],
        key_class=TENANT,
        permissions=permissions,
        models=models,
        expires_at_ns=expires_at_ns,
    )
    return secret, new


def _change(actor: str) -> Change:
    return Change(actor, time.time_ns())


def _check_name(name: str) -> str:
    name = unicodedata.normalize("NFC", name.strip())
    if not 1 <= len(name) <= NAME_SYMBOLS_MAX or not name.isprintable() or name.startswith(ID_PREFIXES):
        raise InvalidValue(
            f"A name has 1 to {NAME_SYMBOLS_MAX} printable symbols and does not begin like an id "
            f"({', '.join(ID_PREFIXES)}).",
            param="name",
        )
    return name


def _check_models(models: Iterable[str]) -> frozenset[str]:
    names = frozenset(models)
    if not names or len(names) > MODELS_MAX or not all(name.isprintable() and name.strip() for name in names):
        raise InvalidValue(
            f"A list of models has 1 to {MODELS_MAX} names. Leave it out to allow every model.", param="models"
        )
    return names


def _check_expiry(expires_at_ns: int | None, now_ns: int) -> int | None:
    if expires_at_ns is not None and not now_ns < expires_at_ns < 2**63:
        raise InvalidValue("The time of expiry must lie in the future (and before the year 2262).", param="expires_at")
    return expires_at_ns
