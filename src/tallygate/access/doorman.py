"""Turns a credential into a principal: form first, then the database, each time anew.

Unknown, malformed, revoked, expired and disabled all end in the same words, so that nobody learns which keys exist. A
malformed key costs no look into the database. What was read of a live key is remembered for who asks the book next: its
transaction reads the key once more, so a memory may be old but never makes a difference. Whoever shows a live key at an
address that its list of networks does not hold is told so, and which address that was: the key itself is no secret to
its bearer, and behind a proxy nobody could guess what went wrong.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Final

from tallygate.access.admin_key import AdminKey
from tallygate.access.keys import ADMIN as ADMIN_CLASS
from tallygate.access.keys import Digester, well_formed
from tallygate.access.networks import is_within, read_networks
from tallygate.access.permissions import ADMIN_ACCESS
from tallygate.access.principal import Principal
from tallygate.access.roles import bound
from tallygate.access.settings import KeysSettings
from tallygate.access.wrong_keys import WrongKeys
from tallygate.errors import InvalidApiKey, MissingApiKey, PermissionDenied
from tallygate.genai.secret import Secret
from tallygate.store.rows import ACTIVE, OPERATOR, KeyRow

FindKey = Callable[[bytes], Awaitable[KeyRow | None]]

ADMIN = Principal(
    key_id="admin",
    user_id="",
    workspace_id="",
    key_version=0,
    permissions=frozenset({ADMIN_ACCESS}),
    models=frozenset(),
)
"""The bearer of the admin key: no workspace, no models, one permission."""

KNOWN_MAX: Final = 10_000
"""Principals that are remembered, some 1 KB each. The one that was read first is forgotten first."""


class Doorman:
    """Identifies callers. `find_key` looks a digest up in the database; `clock_ns` gives nanoseconds UTC.

    `peer` is the address of whoever shows a credential, as text; empty where there is none.
    """

    def __init__(
        self,
        find_key: FindKey,
        *,
        pepper: bytes,
        prefix: str,
        admin_key: Secret,
        wrong_keys: WrongKeys | None = None,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._find_key = find_key
        self._digest = Digester(pepper)
        self._prefix = prefix
        self._admin_key = AdminKey(admin_key)
        self._wrong_keys = wrong_keys or WrongKeys(KeysSettings().wrong_per_minute)
        self._clock_ns = clock_ns
        self._known: dict[bytes, Principal] = {}

    def recall(self, credential: Secret | None, peer: str) -> Principal | None:
        """The principal as it was when it was last read, which may be long ago; None if it is not remembered, has
        expired since, or may not be used from there.

        For who asks the turnstile next, which compares the version with the row. Nobody else may believe it, and nobody
        may be refused by it.
        """
        text = "" if credential is None else credential.reveal()
        known = self._known.get(self._digest(text)) if text.isascii() else None
        if known is None or (known.expires_at_ns is not None and known.expires_at_ns <= self._clock_ns()):
            return None
        return known if known.networks is None or is_within(peer, read_networks(known.networks)) else None

    async def identify(self, credential: Secret | None, peer: str) -> Principal:
        """The principal behind a credential. Raises InvalidApiKey, TooManyWrongKeys, PermissionDenied for a key that
        may not be used from there, and StoreUnavailable when the database is away.
        """
        if credential is None:
            raise MissingApiKey
        if self._admin_key.matches(credential):
            return ADMIN
        principal = await self._look_up(credential.reveal())
        if principal is None:
            self._wrong_keys.note(peer)
            raise InvalidApiKey
        if principal.networks is not None and not is_within(peer, read_networks(principal.networks)):
            shown = peer or "an address that is not known"
            raise PermissionDenied(f"This API key may not be used from {shown}.", details={"address": peer})
        return principal

    async def _look_up(self, text: str) -> Principal | None:
        """What the database says of a key's text at this moment; None for what is no live key."""
        if not well_formed(text, self._prefix):
            return None
        digest = self._digest(text)
        row = await self._find_key(digest)
        self._known.pop(digest, None)
        if row is None or not _is_live(row, self._clock_ns()):
            return None
        if len(self._known) >= KNOWN_MAX:
            del self._known[next(iter(self._known))]
        principal = self._known[digest] = _read(row)
        return principal


def _read(row: KeyRow) -> Principal:
    return Principal(
        key_id=row.id,
        user_id=row.user_id,
        # A key of the admin plane has nothing to do with the workspace of its user.
        workspace_id="" if row.key_class == ADMIN_CLASS else row.workspace_id,
        key_version=row.version,
        permissions=row.permissions & bound(row.role, row.key_class),
        models=row.models,
        expires_at_ns=row.expires_at_ns,
        networks=row.networks,
    )


def _is_live(row: KeyRow, now_ns: int) -> bool:
    if row.expires_at_ns is not None and row.expires_at_ns <= now_ns:
        return False
    if row.key_class == ADMIN_CLASS and row.role != OPERATOR:
        return False
    return row.status == row.user_status == row.workspace_status == ACTIVE
