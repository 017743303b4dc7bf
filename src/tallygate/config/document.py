"""The configuration file: its values and the line each one stands on.

It follows TOML 1.0 through the standard library's reader, which keeps no positions, so each statement is read a second
time on its own to learn its line. What the keys mean is not known here.
"""

import hashlib
import tomllib
from pathlib import Path as FilePath
from typing import Any, cast

from msgspec import Struct

from tallygate.config.origin import ConfigError, Origin, Path, Problem


class Source(Struct, frozen=True):
    """The text of one file as it was read, the name to show, and the whole path."""

    text: str
    shown: str
    file: FilePath

    @property
    def digest(self) -> str:
        """SHA-256 of the text in hex: that of the file's bytes, if they begin with no byte-order mark."""
        return hashlib.sha256(self.text.encode()).hexdigest()


class Document(Struct, frozen=True):
    """One file: its tables, the 1-based line of every key and header, the name to show and the whole path."""

    tables: dict[str, Any]
    lines: dict[Path, int]
    shown: str
    file: FilePath

    @property
    def folder(self) -> FilePath:
        """Where relative paths in the file start."""
        return self.file.parent

    def locate(self, path: Path) -> Origin:
        """Where a key stands: its own line, or that of the nearest table around it."""
        for end in range(len(path), 0, -1):
            if line := self.lines.get(path[:end]):
                return Origin(kind="file", place=f"{self.shown}:{line}")
        return Origin(kind="file", place=self.shown)


def read_source(folder: FilePath, file: FilePath, named_by: Origin) -> Source:
    """Read a file, named from `folder`. Raises ConfigError when it is missing or unreadable."""
    whole = folder / file.expanduser()
    try:
        # Line ends as they stand: the digest is one that others can take of the file.
        text = whole.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError([Problem("", f"cannot read the configuration file {file}: {reason}", named_by)]) from None
    return Source(text=text, shown=str(file), file=whole)


def read_document(source: Source) -> Document:
    """The tables of a TOML text. Raises ConfigError when it is not TOML."""
    text = source.text
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            [Problem("", f"this is not TOML: {error}", Origin(kind="file", place=source.shown))]
        ) from None
    return Document(tables=tables, lines=find_lines(text), shown=source.shown, file=source.file)


def find_lines(text: str) -> dict[Path, int]:
    """The 1-based line on which each key and table header of a valid TOML text begins.

    A statement ends with the first line that makes it valid TOML by itself.
    """
    lines: dict[Path, int] = {}
    table: Path = ()
    statement, begun = "", 0
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        if not statement:
            begun = number
        statement += line
        try:
            read = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue
        is_header = statement.lstrip().startswith("[")
        statement = ""
        for path in _walk(read, ()):
            lines.setdefault(path if is_header else table + path, begun)
            if is_header:
                table = path
    return lines


def _walk(value: Any, path: Path) -> list[Path]:
    """Every key path in a value, outer ones first. An array of tables counts as the table that it opens."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        value = cast("list[Any]", value)[0]
    found: list[Path] = [path] if path else []
    if isinstance(value, dict):
        for key, inner in cast("dict[str, Any]", value).items():
            found += _walk(inner, (*path, key))
    return found
