"""How much of unfinished bodies a process holds. Nobody's key has been looked at by then, so it must have an end.

Where it would be too much, the largest gives way: whoever fills the room is asked to leave it, not who comes next.
"""

from typing import Protocol


class Holder(Protocol):
    """Whose body is on its way."""

    def give_way(self) -> None:
        """Refuse the request and forget what has come of it."""
        ...


class Arrivals:
    """The bodies on their way to one process: `bytes_max` of them together."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._held: dict[Holder, int] = {}
        self._total = 0

    @property
    def held_bytes(self) -> int:
        """How much has come of bodies that are not whole."""
        return self._total

    def note(self, holder: Holder, body_bytes: int) -> None:
        """So much has come of this body by now."""
        self._total += body_bytes - self._held.get(holder, 0)
        self._held[holder] = body_bytes
        while self._total > self._bytes_max:
            largest = max(self._held, key=self._held.__getitem__)
            self.forget(largest)
            largest.give_way()

    def forget(self, holder: Holder) -> None:
        """It is whole, or nobody waits for it any more."""
        self._total -= self._held.pop(holder, 0)
