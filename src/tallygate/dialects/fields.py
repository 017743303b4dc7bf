"""Taking decoded JSON objects apart without losing a member, and putting them together again.

A reader takes each member it knows, with its type checked and its path in the error; what nobody took is the object's
`extra`. The rules of one wire format do not belong here.
"""

from typing import Any

import msgspec

from tallygate.errors import InvalidEncoding, InvalidJson, InvalidValue, MissingField, TallygateError, TooDeep
from tallygate.genai.messages import Extra


class Fields:
    """One JSON object being taken apart. A member that is null counts as absent, everywhere.

    `path` is the object's own (empty for the body); `wrong` the class of error for a member of the wrong type.
    """

    __slots__ = ("_inner", "_left", "path", "wrong")

    def __init__(self, value: Any, path: str = "", wrong: type[TallygateError] = InvalidValue) -> None:
        self.path = path
        self.wrong = wrong
        self._inner: dict[str, Fields] = {}
        if not isinstance(value, dict):
            raise self.refuse("an object")
        self._left: dict[str, Any] = dict(value)  # pyright: ignore[reportUnknownArgumentType]  # JSON keys are strings

    def __contains__(self, name: str) -> bool:
        return self._left.get(name) is not None

    def at(self, name: str) -> str:
        """The path of a member."""
        return f"{self.path}.{name}" if self.path else name

    def refuse(self, expected: str, name: str = "") -> TallygateError:
        """The error for a member, or for the object itself, that is not what it must be."""
        path = self.at(name) if name else self.path
        return self.wrong(f"`{path or 'body'}` must be {expected}.", param=path or None)

    def miss(self, name: str, expected: str) -> TallygateError:
        """The error for a member that is missing."""
        path = self.at(name)
        kind = MissingField if self.wrong is InvalidValue else self.wrong
        return kind(f"`{path}` is missing; it must be {expected}.", param=path)

    def take(self, name: str) -> Any:
        """A member as it is, or None."""
        return self._left.pop(name, None)

    def has(self, name: str) -> bool:
        """True if the member is there, also as null."""
        return name in self._left

    def has_any(self, names: frozenset[str]) -> bool:
        """True if one of the members is there, also as null."""
        return not names.isdisjoint(self._left)

    def look(self, name: str) -> Any:
        """A member as it is, or None, without taking it."""
        return self._left.get(name)

    def text(self, name: str) -> str | None:
        """A string, or None."""
        value = self._left.pop(name, None)
        if value is None or isinstance(value, str):
            return value
        raise self.refuse("a string", name)

    def need_text(self, name: str) -> str:
        """A string that must be there."""
        value = self.text(name)
        if value is None:
            raise self.miss(name, "a string")
        return value

    def flag(self, name: str) -> bool | None:
        """True, false, or None."""
        value = self._left.pop(name, None)
        if value is None or isinstance(value, bool):
            return value
        raise self.refuse("true or false", name)

    def integer(self, name: str, low: int, high: int) -> int | None:
        """A whole number from `low` to `high`, or None."""
        value = self._left.pop(name, None)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        raise self.refuse(f"a whole number from {low} to {high}", name)

    def number(self, name: str, low: float, high: float) -> float | None:
        """A number from `low` to `high`, or None."""
        value = self._left.pop(name, None)
        if value is None:
            return None
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return value
        raise self.refuse(f"a number from {low:g} to {high:g}", name)

    def array(self, name: str) -> list[Any]:
        """A list; empty if there is none."""
        value = self._left.pop(name, None)
        if value is None:
            return []
        if isinstance(value, list):
            return value  # pyright: ignore[reportUnknownVariableType]
        raise self.refuse("a list", name)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings; empty if there is none."""
        values = self.array(name)
        if all(isinstance(value, str) for value in values):
            return tuple(values)
        raise self.refuse("a list of strings", name)

    def object(self, name: str) -> dict[str, Any] | None:
        """An object as it is, whose members are the caller's own (a schema, a map), or None."""
        value = self._left.pop(name, None)
        if value is None or isinstance(value, dict):
            return value  # pyright: ignore[reportUnknownVariableType]
        raise self.refuse("an object", name)

    def inside(self, name: str) -> "Fields | None":
        """An object to be taken apart in turn, or None. What is left of it will be in this one's rest."""
        value = self._left.pop(name, None)
        if value is None:
            return None
        self._inner[name] = inner = Fields(value, self.at(name), self.wrong)
        return inner

    def need_inside(self, name: str) -> "Fields":
        """As `inside`, for an object that must be there."""
        inner = self.inside(name)
        if inner is None:
            raise self.miss(name, "an object")
        return inner

    def apart(self, name: str) -> "Fields | None":
        """As `inside`, but what is left of it is the caller's to keep."""
        value = self._left.pop(name, None)
        return None if value is None else Fields(value, self.at(name), self.wrong)

    def rest(self) -> Extra:
        """What nobody took, here and in the objects inside. Nulls stay: somebody may tell null from absent."""
        left = dict(self._left)
        for name, inner in self._inner.items():
            if below := inner.rest():
                left[name] = below
        return left


def overlay(known: dict[str, Any], extra: Extra) -> dict[str, Any]:
    """`known` with the members of `extra` put back where `Fields.rest` found them. A known member is never replaced."""
    for name, value in extra.items():
        if name in known:
            known[name] = _put_back(known[name], value)
        else:
            known[name] = value
    return known


def _put_back(known: Any, value: Any) -> Any:
    if isinstance(known, dict) and isinstance(value, dict):
        return overlay(dict(known), value)  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(known, list) and isinstance(value, list) and len(known) == len(value):  # pyright: ignore[reportUnknownArgumentType]
        pairs = zip(known, value, strict=True)  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType]
        return [_put_back(one, other) for one, other in pairs]  # pyright: ignore[reportUnknownVariableType]
    return known  # pyright: ignore[reportUnknownVariableType]


def without_none(members: dict[str, Any]) -> dict[str, Any]:
    """The members that have a value."""
    return {name: value for name, value in members.items() if value is not None}


def decode_body(body: bytes) -> Any:
    """A request's body as decoded JSON. Raises InvalidJson, InvalidEncoding, TooDeep."""
    try:
        return msgspec.json.decode(body)
    except UnicodeDecodeError:
        raise InvalidEncoding from None
    except RecursionError:
        raise TooDeep from None
    except msgspec.DecodeError as error:
        raise InvalidJson(f"The body is not one JSON document: {error}.") from None
