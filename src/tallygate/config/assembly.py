"""The tree in which values from all sources meet, and the settings structs that are built from it.

Later puts win. Problems are collected, not raised, so that one run shows them all.
"""

from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import cast

from msgspec import Struct
from msgspec.structs import fields

from tallygate.config.conversion import Given, Misfit, fit
from tallygate.config.document import Document
from tallygate.config.origin import DEFAULT, Origin, Path, Problem, spell
from tallygate.config.settings import Settings
from tallygate.config.shape import default_of, entry_struct, field_of, nearest, section_struct

Tree = dict[str, "Given | Tree"]


class Value(Struct, frozen=True):
    """One setting as it was resolved: its name as TOML writes it, the value, and where that came from."""

    setting: str
    value: object
    origin: Origin


class Assembly:
    """Values on their way to one `Settings`. `folder` anchors the relative paths among the defaults."""

    def __init__(self, folder: FilePath) -> None:
        self.values: list[Value] = []
        self.problems: list[Problem] = []
        self._folder = folder
        self._tree: Tree = {}

    def take(self, document: Document) -> None:
        """Everything a file says; what is not known becomes a problem."""
        self._take_table(document.tables, Settings, (), document, self._tree)

    def put(self, path: Path, given: Given) -> None:
        """One value for an existing setting, over what stands there."""
        tree = self._tree
        for part in path[:-1]:
            tree = _branch(tree, part)
        tree[path[-1]] = given

    def names(self) -> dict[str, tuple[str, ...]]:
        """The names that the entries of each table have so far: providers and models."""
        tables = [field.name for field in fields(Settings) if entry_struct(field.type)]
        return {name: tuple(_branch(self._tree, name)) for name in tables}

    def build(self) -> Settings:
        """The struct, to be used only while there are no `problems`; fills `values` with a line for each setting."""
        return cast("Settings", self._build(Settings, self._tree, ()))

    def _take_table(
        self, table: Mapping[str, object], struct: type[Struct], path: Path, document: Document, tree: Tree
    ) -> None:
        for key, value in table.items():
            where = (*path, key)
            field = field_of(struct, key)
            if field is None:
                self._refuse_unknown(where, document.locate(where))
            elif section := section_struct(field.type):
                self._descend(value, section, where, document, tree)
            elif entry := entry_struct(field.type):
                branch = _branch(tree, key)
                if not isinstance(value, dict):
                    self._descend(value, entry, where, document, branch)
                    continue
                for name, inner in cast("dict[str, object]", value).items():
                    self._descend(inner, entry, (*where, name), document, branch)
            else:
                tree[key] = Given(value=value, origin=document.locate(where), folder=document.folder)

    def _descend(self, value: object, struct: type[Struct], path: Path, document: Document, tree: Tree) -> None:
        if isinstance(value, dict):
            table = cast("dict[str, object]", value)
            self._take_table(table, struct, path, document, _branch(tree, path[-1]))
        else:
            text = f"expected a table, as in [{spell(path)}]"
            self.problems.append(Problem(spell(path), text, document.locate(path)))

    def _refuse_unknown(self, path: Path, origin: Origin) -> None:
        meant = nearest(path)
        hint = f"; did you mean {spell(meant)}?" if meant else ""
        self.problems.append(Problem(spell(path), f"no such setting{hint}", origin))

    def _build(self, struct: type[Struct], tree: Tree, path: Path) -> Struct:
        made: dict[str, object] = {}
        first = len(self.values)
        for field in fields(struct):
            where = (*path, field.name)
            given = tree.get(field.name, {})
            if section := section_struct(field.type):
                made[field.name] = self._build(section, cast("Tree", given), where)
            elif entry := entry_struct(field.type):
                branches = cast("dict[str, Tree]", given)
                made[field.name] = {
                    name: self._build(entry, branch, (*where, name)) for name, branch in branches.items()
                }
            else:
                default = default_of(field)
                if not isinstance(given, Given) and isinstance(default, FilePath):
                    given = Given(value=str(default), origin=DEFAULT, folder=self._folder)
                if isinstance(given, Given):
                    self._fit(made, given, field.type, where)
                else:
                    made[field.name] = default
                    self.values.append(Value(spell(where), default, DEFAULT))
        try:
            return struct(**made)
        except ValueError as error:
            # Each value is right by itself; what it says is that they do not go together.
            given = [value.origin for value in self.values[first:] if value.origin != DEFAULT]
            self.problems.append(Problem(spell(path), str(error), given[-1] if given else DEFAULT))
            return struct()

    def _fit(self, made: dict[str, object], given: Given, kind: object, path: Path) -> None:
        try:
            made[path[-1]] = fit(given, kind, path)
        except Misfit as misfit:
            self.problems.append(misfit.problem)
        else:
            self.values.append(Value(spell(path), made[path[-1]], given.origin))


def _branch(tree: Tree, key: str) -> Tree:
    """The branch under a key, made if it is missing."""
    branch = tree.setdefault(key, {})
    assert isinstance(branch, dict), "a section and a setting never share a name"
    return branch
