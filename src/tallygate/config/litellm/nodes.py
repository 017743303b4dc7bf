"""A YAML file as plain nodes with their lines, bounded in every direction. Source: yaml.org/spec/1.2.2.

Nothing is constructed: no tag has any effect, and a name for a part of the file (an alias) is followed only as far as
the bounds go, so that a small file cannot become a large one.
"""

from typing import Any, Final, cast

import yaml
from msgspec import Struct

BYTES_MAX: Final = 4 << 20
NODES_MAX: Final = 200_000
DEPTH_MAX: Final = 32

_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE: Final = frozenset({"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"})
_FALSE: Final = frozenset({"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"})
_MERGE: Final = "<<"


class BadYaml(Exception):
    """The file is not YAML that can be read here. The text says why and where, and holds no value."""


class Node(Struct, frozen=True):
    """A value and the line it begins on, from 1. One of the three is there: text, pairs of a mapping, or items."""

    line: int
    text: str = ""
    pairs: "tuple[Pair, ...] | None" = None
    items: "tuple[Node, ...] | None" = None
    is_quoted: bool = False

    @property
    def is_null(self) -> bool:
        """Whether nothing stands there."""
        return self.pairs is None and self.items is None and not self.is_quoted and self.text in _NULLS

    @property
    def is_scalar(self) -> bool:
        """Whether it is one value, not a mapping or a list."""
        return self.pairs is None and self.items is None

    @property
    def flag(self) -> bool | None:
        """True or false; None for anything else."""
        if not self.is_scalar or self.is_quoted:
            return None
        return True if self.text in _TRUE else False if self.text in _FALSE else None

    def get(self, key: str) -> "Node | None":
        """The value under a key of a mapping, the last one if it stands there twice."""
        return next((pair.value for pair in reversed(self.pairs or ()) if pair.key == key), None)

    def words(self) -> tuple[str, ...]:
        """The texts of a list, or the one text."""
        if self.items is not None:
            return tuple(item.text for item in self.items if item.is_scalar)
        return (self.text,) if self.is_scalar and not self.is_null else ()


class Pair(Struct, frozen=True):
    """A key of a mapping, the line it stands on, and its value."""

    key: str
    line: int
    value: Node


def read_yaml(data: bytes) -> Node:
    """The one document of a file; an empty mapping for an empty file. Raises BadYaml."""
    if len(data) > BYTES_MAX:
        raise BadYaml(f"it is larger than {BYTES_MAX >> 20} MiB")
    try:
        root = _compose(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise BadYaml("it is not UTF-8 text") from None
    except RecursionError:
        raise BadYaml("it is nested too deeply") from None
    except yaml.MarkedYAMLError as error:
        # Not the library's own words: they repeat the lines around, and a key may stand there.
        where = f" on line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise BadYaml(f"it is not YAML{where}: {error.problem or 'it breaks off'}") from None
    except yaml.YAMLError:
        raise BadYaml("it holds characters that YAML does not allow") from None
    return Node(line=1, pairs=()) if root is None else _Reader().read(root, 0)


class _Reader:
    """Turns the library's nodes into ours and counts them, those that a name stands for every time."""

    def __init__(self) -> None:
        self._left = NODES_MAX

    def read(self, node: Any, depth: int) -> Node:
        self._left -= 1
        if self._left < 0 or depth > DEPTH_MAX:
            raise BadYaml(f"on line {node.start_mark.line + 1} it becomes too large or is nested too deeply")
        line = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            return Node(line=line, pairs=tuple(self._read_pairs(node, depth)))
        if isinstance(node, yaml.SequenceNode):
            return Node(line=line, items=tuple(self.read(item, depth + 1) for item in node.value))
        return Node(line=line, text=node.value, is_quoted=node.style is not None)

    def _read_pairs(self, mapping: Any, depth: int) -> list[Pair]:
        """The pairs in order; those that are merged in stand first, and only where the mapping itself is silent."""
        own: list[Pair] = []
        merged: list[Pair] = []
        for key, value in mapping.value:
            if not isinstance(key, yaml.ScalarNode):
                raise BadYaml(f"on line {key.start_mark.line + 1} stands a key that is not text")
            read = self.read(value, depth + 1)
            if key.value == _MERGE and key.style is None:
                for one in read.items if read.items is not None else (read,):
                    known = {pair.key for pair in merged}
                    merged += [pair for pair in one.pairs or () if pair.key not in known]
            else:
                own.append(Pair(key.value, key.start_mark.line + 1, read))
        said = {pair.key for pair in own}
        return [*(pair for pair in merged if pair.key not in said), *own]


def _compose(text: str) -> Any:
    """The package says nothing of its types."""
    return cast("Any", yaml).compose(text, Loader=yaml.SafeLoader)
