"""Sessions of the pages: signing in, who is behind a session, and its end.

A session is 256 random bits that only the browser keeps; the database has their digest. It is asked anew for each page,
so that a session ends everywhere at once: when it is ended, when the user or the workspace is disabled, and when the
password, the role or the admin key becomes another, for it is bound to a print of them. Nothing here knows of cookies.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from typing import Final, Literal, cast

from msgspec import Struct

from tallygate.access.admin_key import AdminKey
from tallygate.access.doorman import ADMIN
from tallygate.access.guesses import Guesses
from tallygate.access.networks import name_neighbourhood
from tallygate.access.passwords import is_password
from tallygate.access.principal import Principal
from tallygate.access.roles import ROLES
from tallygate.errors import NotSignedIn
from tallygate.genai.secret import Secret
from tallygate.store import sessions as stored
from tallygate.store.audit import Change
from tallygate.store.database import Database
from tallygate.store.rows import ACTIVE, OPERATOR
from tallygate.store.sessions import Holder

Role = Literal["operator", "admin", "member", "viewer"]

TOKEN_BYTES: Final = 32
TOKEN_SYMBOLS: Final = 43
SEEN_EVERY_NS: Final = 60_000_000_000
"""How exactly it is known when a session was last used: each page would otherwise be a write."""
ADMIN_ACTOR: Final = "admin"

GUESSES_MAX: Final = 10
"""Wrong guesses at one account from one address: whoever makes them must not shut its owner out everywhere."""
ACCOUNT_WRONG_MAX: Final = 200
PEER_WRONG_MAX: Final = 100
"""Behind a proxy everybody has its address, and ten wrong guesses of one must not shut out all."""

_NS_PER_S: Final = 1_000_000_000
_WRONG: Final = "That did not fit. Check the workspace, the name and the password."
_WRONG_KEY: Final = "That is not the admin key."


class Person(Struct, frozen=True):
    """Who is signed in. The bearer of the admin key is an operator of no workspace, with an empty id."""

    role: Role
    user_id: str = ""
    user: str = "admin key"
    workspace_id: str = ""
    workspace: str = ""

    @property
    def actor(self) -> str:
        """Who the audit log says it was."""
        return self.user_id or ADMIN_ACTOR

    @property
    def principal(self) -> Principal:
        """The same person as whoever judges changes knows it: one who acts without a key, in the bounds of a role. An
        operator belongs to no workspace in what they administer.
        """
        if not self.user_id:
            return ADMIN
        place = "" if self.role == OPERATOR else self.workspace_id
        return Principal(
            key_id="", user_id=self.user_id, workspace_id=place, key_version=0, permissions=ROLES[self.role]
        )


class Session(Struct, frozen=True):
    """A session that is good now. `form_token` proves that a form comes from one of its pages."""

    person: Person
    digest: bytes
    form_token: str


class Sessions:
    """Begins, finds and ends sessions. Synchronous: callers run it in a thread."""

    def __init__(
        self,
        database: Database,
        admin_key: Secret,
        *,
        idle_s: int,
        absolute_s: int,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._database = database
        self._admin_key = AdminKey(admin_key)
        self._admin_print = _print("admin", admin_key.reveal())
        self._idle_ns, self._absolute_ns = idle_s * _NS_PER_S, absolute_s * _NS_PER_S
        self._clock_ns = clock_ns
        self._by_both = Guesses(GUESSES_MAX)
        self._by_account = Guesses(ACCOUNT_WRONG_MAX)
        self._by_peer = Guesses(PEER_WRONG_MAX)

    def sign_in(self, workspace: str, user: str, password: Secret, peer: str) -> Secret:
        """The token of a new session of a user. Raises as `check`."""
        return self._begin(self.check(workspace, user, password, peer))

    def check(self, workspace: str, user: str, password: Secret, peer: str) -> Holder:
        """The user, if the password is theirs. `peer` is where the guess comes from.

        Raises NotSignedIn, with the same words whatever is wrong; TooManySignIns; InvalidValue for a password above
        1 KiB.
        """
        account = f"{workspace.casefold()[:100]}/{user.casefold()[:100]}"
        peer = name_neighbourhood(peer)
        counted = (self._by_both, f"{account} {peer}"), (self._by_account, account), (self._by_peer, peer)
        for guesses, name in counted:
            guesses.check(name)
        holder = stored.find_holder(self._database, workspace, user)
        fits = is_password(holder.password if holder is not None else None, password)
        if holder is None or not fits or not _stands(holder):
            for guesses, name in counted:
                guesses.note_wrong(name)
            raise NotSignedIn(_WRONG)
        self._by_both.forget(f"{account} {peer}")
        return holder

    def sign_in_as_admin(self, key: Secret, peer: str) -> Secret:
        """The token of a new session with the admin key. Raises NotSignedIn, TooManySignIns.

        The right key is never refused: nobody could guess it, and nobody must be able to shut the operator out.
        """
        if self._admin_key.matches(key):
            return self._begin(None)
        peer = name_neighbourhood(peer)
        self._by_peer.check(peer)
        self._by_peer.note_wrong(peer)
        raise NotSignedIn(_WRONG_KEY)

    def find(self, token: str) -> Session | None:
        """The session of a token, if it is good at this moment; it counts as used."""
        if len(token) != TOKEN_SYMBOLS or not token.isascii():
            return None
        digest = _digest(token)
        row = stored.find_session(self._database, digest)
        now_ns = self._clock_ns()
        if row is None or not now_ns < min(row.ends_at_ns, row.seen_at_ns + self._idle_ns):
            return None
        if not hmac.compare_digest(row.bound_to, self._bind(row.holder)):
            return None
        if row.holder is not None and not _stands(row.holder):
            return None
        if now_ns - row.seen_at_ns >= SEEN_EVERY_NS:
            stored.note_seen(self._database, digest, now_ns)
        return Session(_introduce(row.holder), digest, _print("form", token))

    def end(self, session: Session) -> None:
        """Sign out."""
        stored.end_session(self._database, session.digest)

    def end_all(self, session: Session) -> None:
        """Sign out everywhere: every session of the same user, or all that were opened with the admin key."""
        stored.end_sessions(self._database, session.person.user_id or None)

    def _begin(self, holder: Holder | None) -> Secret:
        token = secrets.token_urlsafe(TOKEN_BYTES)
        now_ns = self._clock_ns()
        change = Change(ADMIN_ACTOR if holder is None else holder.user_id, now_ns)
        ends_at_ns = now_ns + self._absolute_ns
        stored.begin_session(self._database, _digest(token), holder, self._bind(holder), ends_at_ns, change)
        return Secret(token)

    def _bind(self, holder: Holder | None) -> str:
        if holder is None:
            return self._admin_print
        return _print("user", f"{holder.role}\n{holder.password}")


def _introduce(holder: Holder | None) -> Person:
    if holder is None:
        return Person("operator")
    role = cast("Role", holder.role)
    return Person(role, holder.user_id, holder.user, holder.workspace_id, holder.workspace)


def _stands(holder: Holder) -> bool:
    return holder.password is not None and holder.status == holder.workspace_status == ACTIVE


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("ascii")).digest()


def _print(purpose: str, text: str) -> str:
    """What a secret text leaves in the database or in a form: it gives nothing of it away."""
    return hashlib.sha256(f"tallygate {purpose}: {text}".encode("utf-8", "surrogatepass")).hexdigest()
