"""A string that does not show itself: keys, pepper, admin key.

Every way a value leaks by accident is closed: printing, formatting, logging, pickling, copying, JSON. The one way out
is `reveal()`, which is easy to search for. It does not try to wipe memory: Python cannot promise that.
"""

import hmac
from typing import NoReturn


class Secret:
    """A secret string. Equal to another Secret in constant time, never equal to a plain string, not hashable."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The string itself. Call it only where the value leaves for the place it belongs to."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        # A width or an alignment must not raise inside a log call, and must not tell the length either.
        return "***"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        # surrogatepass: a header may have brought bytes that are no text, and comparing must not raise on them.
        mine = self._value.encode("utf-8", "surrogatepass")
        return hmac.compare_digest(mine, other._value.encode("utf-8", "surrogatepass"))

    __hash__ = None  # pyright: ignore[reportAssignmentType]  # a hash would be stored and would show equality

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Secret cannot be pickled or copied")
