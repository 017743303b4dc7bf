"""The files a rule is about: read once, parsed once, addressed by their place in the repository."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PACKAGE = "src/tallygate"


class Source(NamedTuple):
    """One Python file. `path` is relative to the repository, with forward slashes."""

    path: str
    text: str
    tree: ast.Module

    @property
    def room(self) -> str:
        """The room a source file is in, or the name of a single file; the empty string outside the package."""
        if not self.path.startswith(f"{PACKAGE}/"):
            return ""
        return self.path.removeprefix(f"{PACKAGE}/").split("/")[0].removesuffix(".py")


def parse(path: str, text: str) -> Source:
    """A source from its text, as a rule sees it."""
    return Source(path, text, ast.parse(text))


@cache
def read_sources() -> tuple[Source, ...]:
    """Every Python file of the package and of the tests."""
    paths = [path for folder in (PACKAGE, "tests") for path in sorted((ROOT / folder).rglob("*.py"))]
    return tuple(parse(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in paths)


@cache
def read_tracked() -> dict[str, str]:
    """The text of every file that git would hand on, but not of those that are not text."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    paths = [ROOT / name for name in listing.split("\0") if name]
    contents = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in paths if path.is_file()}
    texts = {path: content for path, content in contents.items() if b"\0" not in content}
    return {path: content.decode("utf-8", errors="replace") for path, content in texts.items()}


def functions_of(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function, methods and inner ones included."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def length_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` to the last one."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def imports_of(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The line and the full name of everything that is imported; `from a import b` gives `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module}.{name.name}") for name in node.names)


def strings_of(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every string the program uses: literals and the fixed parts of f-strings, but not docstrings."""
    prose = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in prose:
            if isinstance(node.value, str):
                yield node.lineno, node.value
            elif isinstance(node.value, bytes):
                yield node.lineno, node.value.decode("latin-1")
