"""Passwords of users, for the pages alone: what one may be, its hash, and whether one fits.

Argon2id (RFC 9106) with the smaller of the sizes that OWASP's cheat sheet on storing passwords names: a sign-in is
rare, and whoever floods the gateway with them must not get much memory for it. Callers run these functions in a thread.
"""

import secrets
import time
import unicodedata
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from tallygate.access.delegation import Delegation
from tallygate.access.principal import Principal
from tallygate.errors import InvalidValue
from tallygate.genai.secret import Secret
from tallygate.store.audit import Change
from tallygate.store.database import Database
from tallygate.store.sessions import set_password

SYMBOLS_MIN: Final = 12
BYTES_MAX: Final = 1024

_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def hash_password(password: Secret) -> str:
    """The hash of a new password, with its salt and its parameters. Raises InvalidValue where it may not be one."""
    text = _normalise(password)
    if len(text) < SYMBOLS_MIN or not text.isprintable():
        raise InvalidValue(
            f"A password has at least {SYMBOLS_MIN} symbols, and none that cannot be seen.", param="password"
        )
    if len(set(text)) < SYMBOLS_MIN // 3:
        raise InvalidValue("This password repeats too few symbols to be one.", param="password")
    return _HASHER.hash(text)


def give_password(
    database: Database, workspace: str, user: str, password: Secret, *, actor: str, by: Principal | None = None
) -> str:
    """Hash and keep a user's new password, and end all their sessions. The user's id. `by` is whose own rights bound
    the change (`delegation`), None for who has shown the old password, and for the command line.

    Raises InvalidValue, NotFound, PermissionDenied.
    """
    hashed = hash_password(password)
    return set_password(database, workspace, user, hashed, Change(actor, time.time_ns()), Delegation(by))


def is_password(kept: str | None, given: Secret) -> bool:
    """Whether a password is the one that was hashed. It takes as long where there is none.

    Raises InvalidValue above 1 KiB.
    """
    text = _normalise(given)
    try:
        return _HASHER.verify(kept or _hash_nobodys(), text) and kept is not None
    except (VerifyMismatchError, InvalidHashError):
        return False


def _normalise(password: Secret) -> str:
    """One form for what keyboards and systems write differently (Unicode NFKC). Raises InvalidValue above 1 KiB."""
    text = password.reveal()
    if len(text.encode("utf-8", "surrogatepass")) > BYTES_MAX:
        raise InvalidValue(f"A password has at most {BYTES_MAX} bytes.", param="password")
    return unicodedata.normalize("NFKC", text)


@cache
def _hash_nobodys() -> str:
    """A hash that nothing fits, for users that do not exist: how long an answer takes must not tell that."""
    return _HASHER.hash(secrets.token_urlsafe(32))
