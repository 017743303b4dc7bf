"""The calls that run now, by the key they run for: so that they are cut when their key is revoked, disabled or expires.

One question for all keys, every other second. What makes a key dead is the database's to say.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from tallygate.errors import InvalidApiKey, StoreUnavailable
from tallygate.pipeline.call import Call

FindDead = Callable[[frozenset[str]], Awaitable[frozenset[str]]]

EVERY_S: Final = 2.0
"""A cut call has to end within 5 s of its key: this, the question, and the call's settlement."""


class Kept:
    """One running call among those of its key, for the length of a `with` block."""

    __slots__ = ("_call", "_calls", "_key_id")

    def __init__(self, calls: dict[str, set[Call]], call: Call, key_id: str) -> None:
        self._calls = calls
        self._call = call
        self._key_id = key_id

    def __enter__(self) -> None:
        self._calls.setdefault(self._key_id, set()).add(self._call)

    def __exit__(self, *_: object) -> None:
        calls = self._calls[self._key_id]
        calls.discard(self._call)
        if not calls:
            del self._calls[self._key_id]


class Running:
    """The running calls of this process. `find_dead` says which of some keys may not be used any more."""

    def __init__(self, find_dead: FindDead) -> None:
        self._find_dead = find_dead
        self._calls: dict[str, set[Call]] = {}

    def keep(self, call: Call, key_id: str) -> "Kept":
        """The call runs while this context is open."""
        return Kept(self._calls, call, key_id)

    async def look(self) -> None:
        """Ask once, and stop the calls of dead keys. While the database is away nothing is cut.

        To be done every `EVERY_S`.
        """
        key_ids = frozenset(self._calls)
        if not key_ids:
            return
        try:
            dead = await self._find_dead(key_ids)
        except StoreUnavailable:
            return
        for key_id in dead:
            for call in tuple(self._calls.get(key_id, ())):
                call.departure.stop(InvalidApiKey("The API key of this call is not valid any more."))
