"""Administrative operations on workspaces, users and keys, for the command line, the admin API, and whoever has the
permission within a workspace.

Synchronous functions on plain values; a server calls them in a thread. What a name may look like and which permissions
and roles exist is checked here, the rest (uniqueness, existence, the audit row) by `store` in the change's own
transaction. `actor` says who asks: `cli`, `system`, `admin` or a user's id. `by` is the principal whose own rights
bound the change (`delegation`), None where nobody's do; a workspace, user or key is given by its name or its id.
"""

import time
import unicodedata
from collections.abc import Iterable, Mapping
from typing import overload

from msgspec import UNSET, Struct, UnsetType

from tallygate.access.delegation import Delegation
from tallygate.access.keys import ADMIN, TENANT, Minter, digest, mint
from tallygate.access.limits import check_budgets, check_rates, check_slots
from tallygate.access.networks import check_networks
from tallygate.access.permissions import ADMIN_ACCESS, DEFAULT_GRANT, check_grant
from tallygate.access.principal import Principal
from tallygate.access.roles import check_role
from tallygate.errors import InvalidValue
from tallygate.genai.secret import Secret
from tallygate.store import keys as stored_keys
from tallygate.store import tenants
from tallygate.store.audit import Change
from tallygate.store.database import Database
from tallygate.store.pages import EVERYTHING, Page
from tallygate.store.rows import FIRST_USER, MEMBER, KeyRecord, KeyText, NewKey, UserRow, WorkspaceRow

NAME_SYMBOLS_MAX = 64
ID_PREFIXES = ("ws_", "usr_", "key_")
MODELS_MAX = 1_000
MODELS_BYTES_MAX = 64 * 1024
"""Of all names of a list together. It is read with every call, and remembered with the key."""

OVERLAP_S = 24 * 3600
OVERLAP_S_MAX = 30 * 24 * 3600
"""How long the earlier text of a rotated key counts, by default and at most."""

_NS_PER_S = 1_000_000_000


class CreatedKey(Struct, frozen=True):
    """A new key. `secret` is the key itself, which nobody can show a second time."""

    record: KeyRecord
    secret: Secret


class RotatedKey(Struct, frozen=True):
    """A key with its new text, shown this once, and the row of the text it had."""

    record: KeyRecord
    secret: Secret
    earlier: KeyRecord


def create_workspace(database: Database, name: str, *, actor: str) -> WorkspaceRow:
    """Create a workspace with its first user, `owner`, who is its admin. Raises InvalidValue, Conflict."""
    return tenants.create_workspace(database, _check_name(name), _change(actor))


def list_workspaces(database: Database, page: Page = EVERYTHING) -> list[WorkspaceRow]:
    """All workspaces, oldest first. Raises InvalidValue for a bad page."""
    return tenants.list_workspaces(database, page)


def disable_workspace(database: Database, workspace: str, *, actor: str) -> WorkspaceRow:
    """Close a workspace: the next call with any key of it is refused. Raises NotFound."""
    return tenants.disable_workspace(database, workspace, _change(actor))


def create_user(
    database: Database, workspace: str, name: str, *, actor: str, role: str = MEMBER, by: Principal | None = None
) -> UserRow:
    """Create a user in a workspace. Raises InvalidValue, NotFound, Conflict, PermissionDenied."""
    workspace = _keep_within(workspace, by)
    return tenants.create_user(
        database, workspace, _check_name(name), _change(actor), role=check_role(role), judge=Delegation(by)
    )


def list_users(database: Database, workspace: str | None = None, page: Page = EVERYTHING) -> list[UserRow]:
    """The users of a workspace, or all, oldest first. Raises NotFound, InvalidValue for a bad page."""
    return tenants.list_users(database, workspace, page)


def show_user(database: Database, workspace: str, user: str) -> UserRow:
    """One user. Raises NotFound."""
    return tenants.show_user(database, workspace, user)


def change_user(
    database: Database,
    workspace: str,
    user: str,
    *,
    actor: str,
    name: str | None = None,
    role: str | None = None,
    disables: bool = False,
    by: Principal | None = None,
) -> UserRow:
    """Rename a user, give them another role, close them: all or nothing, from the next call of their keys on.

    What is not given stays. Raises InvalidValue, NotFound, Conflict, PermissionDenied.
    """
    return tenants.change_user(
        database,
        _keep_within(workspace, by),
        user,
        _change(actor),
        name=None if name is None else _check_name(name),
        role=None if role is None else check_role(role),
        disables=disables,
        judge=Delegation(by),
    )


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
    networks: Iterable[str] | None = None,
    expires_at_ns: int | None = None,
    budgets_nusd: Mapping[str, int] | None = None,
    slots_max: int | None = None,
    shortens: bool = True,
    rpm: int | UnsetType | None = None,
    tpm: int | UnsetType | None = None,
    by: Principal | None = None,
) -> CreatedKey:
    """Create a key. Without `permissions` it gets the default grant, without `models` it may call every model, without
    `networks` be used from everywhere, and without `slots_max` have as many calls open as its user. `budgets_nusd`
    gives a limit for each period, `rpm` and `tpm` one for requests and tokens in a minute.

    Raises InvalidValue, NotFound, Conflict, PermissionDenied.
    """
    change = _change(actor)
    secret, text = _mint(minter, TENANT)
    new = NewKey(
        digest=text.digest,
        prefix=text.prefix,
        last4=text.last4,
        key_class=TENANT,
        name=_check_name(name) if name else "",
        permissions=DEFAULT_GRANT if permissions is None else check_grant(permissions),
        models=None if models is None else _check_models(models),
        networks=None if networks is None else check_networks(networks),
        expires_at_ns=_check_expiry(expires_at_ns, change.at_ns),
        budgets_nusd=check_budgets(budgets_nusd or {}),
        slots_max=check_slots(slots_max),
        shortens=shortens,
        rates=check_rates(UNSET if rpm is None else rpm, UNSET if tpm is None else tpm),
    )
    workspace = _keep_within(workspace, by)
    return CreatedKey(stored_keys.create_key(database, workspace, user, new, change, Delegation(by)), secret)


def create_admin_key(
    database: Database,
    minter: Minter,
    *,
    workspace: str,
    user: str,
    actor: str,
    name: str = "",
    networks: Iterable[str] | None = None,
    expires_at_ns: int | None = None,
    by: Principal | None = None,
) -> CreatedKey:
    """Create a key of an operator that opens the admin API and nothing else. Raises as `create_key`."""
    change = _change(actor)
    secret, text = _mint(minter, ADMIN)
    new = NewKey(
        digest=text.digest,
        prefix=text.prefix,
        last4=text.last4,
        key_class=ADMIN,
        name=_check_name(name) if name else "",
        permissions=frozenset({ADMIN_ACCESS}),
        models=frozenset(),
        networks=None if networks is None else check_networks(networks),
        expires_at_ns=_check_expiry(expires_at_ns, change.at_ns),
    )
    workspace = _keep_within(workspace, by)
    return CreatedKey(stored_keys.create_key(database, workspace, user, new, change, Delegation(by)), secret)


def create_first_key(database: Database, minter: Minter, *, actor: str = "system") -> CreatedKey | None:
    """The first run: workspace `default`, user `owner` and one key with the default grant, all or nothing.

    None where a workspace exists already, also when another process has just made it.
    """
    secret, text = _mint(minter, TENANT)
    new = NewKey(
        digest=text.digest,
        prefix=text.prefix,
        last4=text.last4,
        key_class=TENANT,
        name="first",
        permissions=DEFAULT_GRANT,
        models=None,
        expires_at_ns=None,
    )
    record = stored_keys.create_first_key(database, new, _change(actor))
    return None if record is None else CreatedKey(record, secret)


def list_keys(
    database: Database, workspace: str | None = None, page: Page = EVERYTHING, *, by: Principal | None = None
) -> list[KeyRecord]:
    """The keys of a workspace, or all, revoked ones too, oldest first. Raises NotFound, InvalidValue for a bad page."""
    return stored_keys.list_keys(database, _keep_within(workspace, by), page, key_class=_find_class(by))


def show_key(database: Database, key: str, *, workspace: str | None = None, by: Principal | None = None) -> KeyRecord:
    """One key. Raises NotFound, and Conflict for a name that several workspaces use."""
    return stored_keys.show_key(database, key, _keep_within(workspace, by), key_class=_find_class(by))


def change_key(
    database: Database,
    key: str,
    *,
    actor: str,
    workspace: str | None = None,
    permissions: Iterable[str] | UnsetType = UNSET,
    models: Iterable[str] | UnsetType | None = UNSET,
    networks: Iterable[str] | UnsetType | None = UNSET,
    expires_at_ns: int | UnsetType | None = UNSET,
    name: str | UnsetType = UNSET,
    by: Principal | None = None,
) -> KeyRecord:
    """Change what a key may do, from its next call on. What is not given stays; None takes a bound away, and an empty
    `name` the name.

    Raises InvalidValue, NotFound, PermissionDenied, and Conflict for a revoked key, a name in use, or a name that
    several workspaces use.
    """
    change = _change(actor)
    return stored_keys.change_key(
        database,
        key,
        _keep_within(workspace, by),
        change,
        permissions=permissions if permissions is UNSET else check_grant(permissions),
        models=models if models is UNSET or models is None else _check_models(models),
        networks=networks if networks is UNSET or networks is None else check_networks(networks),
        expires_at_ns=expires_at_ns if expires_at_ns is UNSET else _check_expiry(expires_at_ns, change.at_ns),
        name=name if name is UNSET or not name else _check_name(name),
        key_class=_find_class(by),
        judge=Delegation(by),
    )


def rotate_key(
    database: Database,
    minter: Minter,
    key: str,
    *,
    actor: str,
    workspace: str | None = None,
    overlap_s: int = OVERLAP_S,
    by: Principal | None = None,
) -> RotatedKey:
    """Give a key another text, and let the one it has count for so many seconds yet, 0 for no longer.

    The key stays the one it is: id, rights, limits, and what is spent of them, whichever text a call comes with. Raises
    as `change_key`.
    """
    if not 0 <= overlap_s <= OVERLAP_S_MAX:
        raise InvalidValue(f"The overlap is a number of seconds from 0 to {OVERLAP_S_MAX} (30 days).", param="overlap")
    change, place = _change(actor), _keep_within(workspace, by)
    letter = stored_keys.show_key(database, key, place, key_class=_find_class(by)).key_class
    secret, text = _mint(minter, letter)
    record, earlier = stored_keys.rotate_key(
        database,
        key,
        place,
        change,
        text,
        overlap_s * _NS_PER_S,
        key_class=letter,
        judge=Delegation(by),
    )
    return RotatedKey(record, secret, earlier)


def revoke_key(
    database: Database, key: str, *, actor: str, workspace: str | None = None, by: Principal | None = None
) -> KeyRecord:
    """Revoke a key for ever, with the texts it had before: its next call is refused. Raises as `change_key`."""
    place = _keep_within(workspace, by)
    return stored_keys.revoke_key(database, key, place, _change(actor), key_class=_find_class(by), judge=Delegation(by))


def _mint(minter: Minter, letter: str) -> tuple[Secret, KeyText]:
    secret = mint(minter.prefix, letter)
    text = secret.reveal()
    return secret, KeyText(digest(minter.pepper, text), f"{minter.prefix}{letter}_", text[-4:])


@overload
def _keep_within(workspace: str, by: Principal | None) -> str: ...
@overload
def _keep_within(workspace: str | None, by: Principal | None) -> str | None: ...
def _keep_within(workspace: str | None, by: Principal | None) -> str | None:
    """The workspace that is meant: for who belongs to one, never another."""
    return by.workspace_id if by is not None and by.workspace_id else workspace


def _find_class(by: Principal | None) -> str | None:
    """The class of keys there are. The keys of the admin plane are none of a workspace's business."""
    return TENANT if by is not None and by.workspace_id else None


def _change(actor: str) -> Change:
    return Change(actor, time.time_ns())


def _check_name(name: str) -> str:
    """A name as it may be kept. Raises InvalidValue."""
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
    if sum(len(name.encode()) for name in names) > MODELS_BYTES_MAX:
        raise InvalidValue(f"The names of a list of models have at most {MODELS_BYTES_MAX} bytes.", param="models")
    return names


def _check_expiry(expires_at_ns: int | None, now_ns: int) -> int | None:
    if expires_at_ns is not None and not now_ns < expires_at_ns < 2**63:
        raise InvalidValue("The time of expiry must lie in the future (and before the year 2262).", param="expires_at")
    return expires_at_ns
