"""From what a typed decoder found wrong in a body to an error a person can act on, with the path of the field.

The texts of the decoder (msgspec) are understood here and nowhere else. What each field must be is the dialect's own
table: the keys are paths without indices, the values end the sentence "must be".
"""

import re
from collections.abc import Mapping

import msgspec

from tallygate.errors import InvalidValue, MissingField, RequestError

_FAULT = re.compile(r"(.*?)(?: - at `\$([^`]*)`)?", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `([^`]*)`")
_GOT = re.compile(r"got `([a-z]+)`")
_ENUM = re.compile(r"Invalid enum value (.+)", re.DOTALL)
_INDEX = re.compile(r"\[\d+\]")
_KINDS = {
    "str": "a string",
    "int": "a number",
    "float": "a number",
    "bool": "a boolean",
    "null": "null",
    "array": "a list",
    "object": "an object",
}


def explain(error: msgspec.ValidationError, expected: Mapping[str, str], prefix: str = "") -> RequestError:
    """Our own sentence for what the decoder found. `prefix` is the path of what was decoded."""
    found = _FAULT.fullmatch(str(error))
    what, path = (found[1], found[2] or "") if found is not None else (str(error), "")
    path = (prefix + path).removeprefix(".")
    missing = _MISSING.match(what)
    if missing is not None:
        path = f"{path}.{missing[1]}".removeprefix(".")
        return MissingField(f"`{path}` is missing; it must be {_expect(path, expected)}.", param=path)
    wanted = _expect(path, expected)
    return InvalidValue(f"`{path}` must be {wanted}{_contrast(what, wanted)}.", param=path)


def name_kind(first: int) -> str:
    """What a JSON value that is neither string nor list is, by its first byte."""
    kinds = {"n": "null", "t": "a boolean", "f": "a boolean", "{": "an object"}
    return kinds.get(chr(first), "a number")


def _expect(path: str, expected: Mapping[str, str]) -> str:
    return expected[_INDEX.sub("[]", path)]


def _contrast(what: str, wanted: str) -> str:
    """What was there instead, where saying so helps."""
    enum = _ENUM.match(what)
    if enum is not None:
        value = enum[1].strip("'\"")
        return f", not `{value if len(value) <= 40 else value[:40] + '…'}`"
    got = _GOT.search(what)
    if got is None or _KINDS[got[1]] in wanted:
        return ""
    if got[1] == "float" and "whole number" in wanted:
        return ", not a fraction"
    return f", not {_KINDS[got[1]]}"
