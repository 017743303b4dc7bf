"""JSON bodies of our own doors, by an allow list: each door has a struct, and a field that is not in it is refused.

The sentences about a field come from its own description, so that a struct is all there is to write.
"""

import re
from collections.abc import Callable
from typing import Any, TypeVar, get_args, get_type_hints

import msgspec
from msgspec import Meta, Struct

from tallygate.api.query import read_moment
from tallygate.dialects.scan import outline
from tallygate.errors import InvalidValue, MissingField, RequestError
from tallygate.ledger.money import parse_usd

_UNKNOWN = re.compile(r"Object contains unknown field `([^`]*)`")
_MISSING = re.compile(r"Object missing required field `([^`]*)`")
_PATH = re.compile(r"at `(?:key in )?\$\.?([^`]*)`\Z")
_FIRST_NAME = re.compile(r"[^.\[]+")

Body = TypeVar("Body", bound=Struct)
Number = TypeVar("Number")


def read_body(body: bytes, kind: type[Body], depth_max: int) -> Body:
    """The body as a struct that forbids unknown fields. Raises what `outline` raises, MissingField and InvalidValue."""
    outline(body, depth_max)
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise _explain(str(error), kind) from None


def read_usd(text: str, field: str) -> int:
    """Nano-USD of an amount such as ``"10.00"``. Raises InvalidValue."""
    return _read(parse_usd, text, field)


def read_time(text: str | None, field: str) -> int | None:
    """Nanoseconds since 1970 UTC of an RFC 3339 time or a day. Raises InvalidValue."""
    return None if text is None else read_moment(text, field)


def _read(parse: Callable[[str], Number], text: str, field: str) -> Number:
    try:
        return parse(text)
    except ValueError as error:
        raise InvalidValue(f"`{field}`: {error}.", param=field) from None


def _explain(found: str, kind: type[Struct]) -> RequestError:
    """Our own sentence for what the decoder found."""
    place = _PATH.search(found)
    path = place[1] if place else ""
    if unknown := _UNKNOWN.match(found):
        field = f"{path}.{unknown[1]}".removeprefix(".")[:64]
        known = ", ".join(kind.__struct_encode_fields__)
        return InvalidValue(f"`{field}` is not a field of this request. It takes: {known}.", param=field)
    if missing := _MISSING.match(found):
        field = f"{path}.{missing[1]}".removeprefix(".")
        return MissingField(f"`{field}` is missing; it must be {_describe(field, kind)}.", param=field)
    return InvalidValue(f"`{path}` must be {_describe(path, kind)}.", param=path)


def _describe(path: str, kind: type[Struct]) -> str:
    """What a field must be, in its own words."""
    name = _FIRST_NAME.match(path)
    fields = dict(zip(kind.__struct_encode_fields__, kind.__struct_fields__, strict=True))
    annotation: Any = get_type_hints(kind, include_extras=True).get(fields.get(name[0], "") if name else "")
    notes = [note.description for note in get_args(annotation) if isinstance(note, Meta) and note.description]
    return notes[0] if notes else "a value of another kind"
