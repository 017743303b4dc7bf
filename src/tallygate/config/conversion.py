"""From what stands in a file or a variable to a value of a setting's type, or to a sentence on what is wrong with it.

A file's values are taken strictly as TOML gives them; text from the environment is read as its setting's type wants it.
"""

import re
import tomllib
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Any, cast

from msgspec import Struct, ValidationError, convert, inspect, json

from tallygate.config.display import show
from tallygate.config.origin import Origin, Path, Problem, spell
from tallygate.config.shape import explain, parts_of
from tallygate.genai.secret import Secret

_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_LISTS = {inspect.ListType, inspect.VarTupleType}
_TABLES = {inspect.DictType, inspect.StructType}


class Given(Struct, frozen=True):
    """A value before its type is known. `is_text`: from outside the file, still to be read; `folder` anchors paths."""

    value: object
    origin: Origin
    folder: FilePath
    is_text: bool = False


class Misfit(Exception):
    """A value cannot be used for its setting."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))


def fit(given: Given, kind: Any, path: Path) -> object:
    """The value as the setting's type has it. Raises Misfit."""
    is_secret = any(isinstance(part, inspect.CustomType) and part.cls is Secret for part in parts_of(kind))
    if is_secret and given.origin.kind == "file":
        text = "a secret does not belong in a file; set it in the environment"
        raise Misfit(Problem(spell(path), text, given.origin))
    value = read_text(given.value, kind) if given.is_text and isinstance(given.value, str) else given.value
    try:
        return convert(value, kind, dec_hook=_reader_of_custom(given.folder))
    except ValidationError as error:
        got = "something else" if is_secret else _quote(value)
        said = explain(kind, str(error))
        text = said if said.startswith("unknown") else f"{said}, got {got}"
        raise Misfit(Problem(spell(path), text, given.origin)) from None
    except RuntimeError:
        text = "there is no home folder to put ~ for; give a whole path"
        raise Misfit(Problem(spell(path), text, given.origin)) from None


def read_text(text: str, kind: Any) -> object:
    """A variable's text as its setting's type wants it; the text itself where it does not fit.

    Lists and tables are written as in TOML; a list may also be words with commas between them.
    """
    wanted = {type(part) for part in parts_of(kind)}
    word = text.strip(" \t\r\n")
    if wanted & (_LISTS | _TABLES):
        try:
            read: object = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            read = None
        if isinstance(read, (list, dict)):
            return cast("object", read)
        if wanted & _LISTS:
            return [item.strip() for item in text.split(",") if item.strip()]
    if inspect.BoolType in wanted:
        return _BOOLEANS.get(word.lower(), text)
    if inspect.IntType in wanted and re.fullmatch(r"-?[0-9]{1,18}", word):
        return int(word)
    if inspect.FloatType in wanted and re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]+)?", word):
        return float(word)
    return text


def anchor(path: FilePath, folder: FilePath) -> FilePath:
    """A path made whole: ``~`` is the home folder, a relative one starts at `folder`. RuntimeError without a home."""
    return folder / path.expanduser()


def _reader_of_custom(folder: FilePath) -> Callable[[type, object], object]:
    def read(kind: type, value: object) -> object:
        if not isinstance(value, str) or not value:
            raise ValueError("not text")
        return Secret(value) if kind is Secret else anchor(FilePath(value), folder)

    return read


def _quote(value: object) -> str:
    shown = json.encode(value).decode() if isinstance(value, str) else show(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
