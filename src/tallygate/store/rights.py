"""What a key or a user may do and what bounds it, as it stands inside a transaction that is about to change somebody's.

Who may give what to whom is decided in `access`, by a `Judge` that the store asks before it commits: what it says
holds for the very rows that are written, whoever else changes them meanwhile. Nothing is written here.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct, field
from sqlalchemy import Connection, RowMapping, Select, func, select

from tallygate.errors import InvalidApiKey, NotSignedIn
from tallygate.genai.book import Period
from tallygate.store.budgets import list_budgets
from tallygate.store.rows import ACTIVE, ADMINISTRATOR, OPERATOR, UserRow, unpack_texts
from tallygate.store.schema import keys, rates, users, workspaces


class Rights(Struct, frozen=True, kw_only=True):
    """What a key may do. `permissions` is what it was granted, which its user's `role` bounds; None is no bound.

    Of a user who acts without a key, `key_id` is empty and nothing was granted but the role.
    """

    key_id: str
    user_id: str
    workspace_id: str
    role: str
    key_class: str = ""
    permissions: frozenset[str] = frozenset()
    models: frozenset[str] | None = None
    networks: frozenset[str] | None = None
    expires_at_ns: int | None = None
    slots_max: int | None = None
    budgets_nusd: Mapping[Period, int] = field(default_factory=dict[Period, int])
    rates_per_minute: Mapping[str, int] = field(default_factory=dict[str, int])


class Judge(Protocol):
    """Says whether a change may be made, or raises what its author is to be told. `own` None: nobody's bounds count.

    `key_id` is the key that asks for it; empty, and it is the user of `user_id`; both empty, and it is nobody in
    particular: the command line, or the admin key.
    """

    key_id: str
    user_id: str

    def judge_key(self, own: Rights | None, before: Rights | None, after: Rights | None) -> None:
        """May this key be made (`before` None), ended (`after` None), or become from the one what the other is?"""
        ...

    def judge_user(
        self, own: Rights | None, before: UserRow | None, after: UserRow, keys: Sequence[Rights], admins: int
    ) -> None:
        """As `judge_key`, with all live keys of the user, and how many active admins the workspace then has."""
        ...

    def judge_limits(self, own: Rights | None, user: UserRow | None) -> None:
        """May the limits of this user be set, or of the workspace (None)? Those of a key are judged with the key."""
        ...


class Hearing:
    """A change that is judged within its transaction: whose bounds count is read at its beginning, before the
    change could touch them; it is heard once it is written.

    Raises InvalidApiKey, NotSignedIn for who has just lost all rights.
    """

    def __init__(self, connection: Connection, judge: Judge | None, at_ns: int) -> None:
        self._connection = connection
        self._judge = judge
        self._own = None if judge is None else _read_own(connection, judge, at_ns)

    def hear_key(self, before: Rights | None, key_id: str | None) -> None:
        """A key was `before` and is now as it stands; `key_id` None: it was ended. Raises what the judge raises."""
        if self._judge is not None:
            after = None if key_id is None else read_rights(self._connection, key_id)
            self._judge.judge_key(self._own, before, after)

    def hear_limits(self, user: UserRow | None) -> None:
        """The limits of a user, or of the workspace, are to be set. Raises what the judge raises."""
        if self._judge is not None:
            self._judge.judge_limits(self._own, user)

    def hear_user(self, before: UserRow | None, after: UserRow) -> None:
        """A user was `before` and is now `after`. Raises what the judge raises."""
        if self._judge is None:
            return
        live = _select_live().where(keys.c.user_id == after.id, keys.c.replaced_by.is_(None))
        held = [_read(self._connection, row) for row in self._connection.execute(live).mappings().all()]
        admins = select(func.count()).where(
            users.c.workspace_id == after.workspace_id,
            users.c.status == ACTIVE,
            users.c.role.in_((ADMINISTRATOR, OPERATOR)),
        )
        self._judge.judge_user(self._own, before, after, held, self._connection.execute(admins).scalar_one())


def _read_own(connection: Connection, judge: Judge, at_ns: int) -> Rights | None:
    if judge.key_id:
        standing = keys.c.id == judge.key_id, users.c.status == ACTIVE, workspaces.c.status == ACTIVE
        row = connection.execute(_select_live().where(*standing)).mappings().first()
        if row is None or (row["expires_at_ns"] is not None and row["expires_at_ns"] <= at_ns):
            raise InvalidApiKey
        return _read(connection, row)
    if judge.user_id:
        chosen = select(users.c.workspace_id, users.c.role).where(users.c.id == judge.user_id, users.c.status == ACTIVE)
        user = connection.execute(chosen).first()
        if user is None:
            raise NotSignedIn
        return Rights(key_id="", user_id=judge.user_id, workspace_id=user.workspace_id, role=user.role)
    return None


def read_rights(connection: Connection, key_id: str) -> Rights | None:
    """The rights of a key as it stands, None for one that was revoked or never was."""
    row = connection.execute(_select_live().where(keys.c.id == key_id)).mappings().first()
    return None if row is None else _read(connection, row)


def _select_live() -> Select[tuple[object, ...]]:
    return (
        select(keys, users.c.role)
        .join(users, users.c.id == keys.c.user_id)
        .join(workspaces, workspaces.c.id == keys.c.workspace_id)
        .where(keys.c.status == ACTIVE)
    )


def _read(connection: Connection, row: RowMapping) -> Rights:
    flows = select(rates.c.kind, rates.c.per_minute).where(rates.c.owner_id == row["id"])
    return Rights(
        key_id=row["id"],
        user_id=row["user_id"],
        workspace_id=row["workspace_id"],
        role=row["role"],
        key_class=row["key_class"],
        permissions=frozenset(unpack_texts(row["permissions"])),
        models=None if row["models"] is None else frozenset(unpack_texts(row["models"])),
        networks=None if row["networks"] is None else frozenset(unpack_texts(row["networks"])),
        expires_at_ns=row["expires_at_ns"],
        slots_max=row["slots_max"],
        budgets_nusd={budget.period: budget.limit_nusd for budget in list_budgets(connection, row["id"])},
        rates_per_minute={flow.kind: flow.per_minute for flow in connection.execute(flows)},
    )
