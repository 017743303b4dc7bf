"""Which settings exist, of which type, and how to say that in words.

It reads the structs that the rooms declare, so a new setting needs no entry here. Nothing is read from outside.
"""

import difflib
import re
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import cast, get_args, get_origin

from msgspec import NODEFAULT, Struct, inspect
from msgspec.structs import FieldInfo, fields

from tallygate.config.origin import Path
from tallygate.config.settings import Settings
from tallygate.genai.secret import Secret

NAME = "NAME"
"""Stands for the name a user gives to a provider or a model: ``providers.NAME.base_url``."""


def section_struct(kind: object) -> type[Struct] | None:
    """The struct of a section such as ``[server]``, or None for any other type."""
    return kind if isinstance(kind, type) and issubclass(kind, Struct) else None


def entry_struct(kind: object) -> type[Struct] | None:
    """The struct of each entry of a table such as ``[providers.NAME]``, or None for any other type."""
    return section_struct(get_args(kind)[1]) if get_origin(kind) is dict else None


def field_of(struct: type[Struct], name: str) -> FieldInfo | None:
    """The declared field of that name."""
    return next((field for field in fields(struct) if field.name == name), None)


def default_of(field: FieldInfo) -> object:
    """A field's default value. Settings must have one; the house tests see to it."""
    if field.default_factory is not NODEFAULT:
        return field.default_factory()
    return field.default


def list_settings(struct: type[Struct] = Settings, path: Path = ()) -> list[str]:
    """The name of every setting, in order, with ``NAME`` for a name the user chooses: ``models.NAME.targets``."""
    return [".".join(where) for where, _ in walk_settings(struct, path)]


def walk_settings(struct: type[Struct] = Settings, path: Path = ()) -> Iterator[tuple[Path, FieldInfo]]:
    """Every setting with its field."""
    for field in fields(struct):
        where = (*path, field.name)
        if section := section_struct(field.type):
            yield from walk_settings(section, where)
        elif entry := entry_struct(field.type):
            yield from walk_settings(entry, (*where, NAME))
        else:
            yield where, field


def nearest(path: Path) -> Path | None:
    """The existing setting or section somebody most likely meant. Names chosen by the user are kept."""
    known = [_with_names(where, path) for where, _ in walk_settings()]
    if inside := [where for where in known if where[: len(path)] == path]:
        return inside[0]
    same_end = [where for where in known if where[-1] == path[-1]]
    if len(same_end) == 1:
        return same_end[0]
    spelled = {".".join(where[:end]): where[:end] for where in known for end in range(1, len(where) + 1)}
    close = difflib.get_close_matches(".".join(path), spelled, n=1, cutoff=0.7)
    return spelled[close[0]] if close else None


def _with_names(where: Path, path: Path) -> Path:
    return tuple(path[i] if part == NAME and i < len(path) else part for i, part in enumerate(where))


def parts_of(kind: object) -> tuple[inspect.Type, ...]:
    """The members of a type, without None and descriptions: what a value of it may be."""
    info = inspect.type_info(kind)
    members = info.types if isinstance(info, inspect.UnionType) else (info,)
    return tuple(member for member in members if not isinstance(member, inspect.NoneType))


def describe(kind: object) -> str:
    """A type in words: ``an integer from 0 to 65535``."""
    return " or ".join(_describe(member) for member in parts_of(kind))


def _describe(info: inspect.Type) -> str:
    if isinstance(info, inspect.Metadata):
        said = cast("dict[str, str]", info.extra_json_schema or {})
        return said.get("description") or _describe(info.type)
    if isinstance(info, inspect.IntType):
        return "an integer" + (f" from {info.ge} to {info.le}" if info.ge is not None and info.le is not None else "")
    if isinstance(info, inspect.LiteralType):
        choices = [f'"{value}"' for value in info.values]
        return choices[0] if len(choices) == 1 else "one of " + ", ".join(choices)
    if isinstance(info, (inspect.ListType, inspect.VarTupleType)):
        return f"a list, each item {_describe(info.item_type)}"
    if isinstance(info, inspect.DictType):
        return f"a table, each value {_describe(info.value_type)}"
    if isinstance(info, inspect.StructType):
        return "a table with " + ", ".join(field.name for field in info.fields)
    if isinstance(info, inspect.CustomType):
        return {FilePath: "a path", Secret: "text"}.get(info.cls, "a value")
    return {"BoolType": "true or false", "FloatType": "a number"}.get(type(info).__name__, "text")


def explain(kind: object, refusal: str) -> str:
    """What was expected, given the type and the reader's own words of refusal."""
    if unknown := re.search(r"unknown field `(.+?)`", refusal):
        names = [field.name for part in parts_of(kind) if isinstance(part, inspect.StructType) for field in part.fields]
        close = difflib.get_close_matches(unknown[1], names, n=1)
        return f'unknown key "{unknown[1]}"' + (f'; did you mean "{close[0]}"?' if close else "")
    return f"expected {describe(kind)}"
