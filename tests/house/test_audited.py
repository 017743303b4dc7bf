"""Whoever writes to the database for an administrator leaves a row in the audit log: no verb, door or page gets around
it.

Only `Database.writing` opens such a transaction. What writes and changes nothing that is administered is listed here.
"""

import ast
from collections.abc import Iterable

from tests.house.source import PACKAGE, Source, read_sources

UNAUDITED = {
    "end_session",  # signing out, and what becomes of old sessions
    "end_sessions",
    "migrate",  # the tables themselves
    "note_seen",
}
"""Functions that write and leave no row. Adding one is a decision, taken here."""


def list_called(function: ast.AST) -> set[str]:
    """The names of what a function calls."""
    called = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
    return {one.attr for one in called if isinstance(one, ast.Attribute)} | {
        one.id for one in called if isinstance(one, ast.Name)
    }


def list_silent(sources: Iterable[Source]) -> set[str]:
    """Functions that open a writing transaction and neither write a row nor call, anywhere in store, who does."""
    functions = {
        node.name: list_called(node)
        for source in sources
        if source.path.startswith(f"{PACKAGE}/store/")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef)
    }
    telling = {"write_audit"}
    while more := {name for name, called in functions.items() if called & telling} - telling:
        telling |= more
    return {name for name, called in functions.items() if "writing" in called} - telling


def test_every_administrative_write_leaves_a_row() -> None:
    assert list_silent(read_sources()) == UNAUDITED


def test_only_store_writes() -> None:
    outside = [
        source.path
        for source in read_sources()
        if source.room and source.room != "store" and "writing" in list_called(source.tree)
    ]
    assert not outside


def test_a_silent_write_is_found() -> None:
    text = "def change(database):\n    with database.writing() as connection:\n        connection.execute(1)\n"
    assert list_silent([Source(f"{PACKAGE}/store/x.py", text, ast.parse(text))]) == {"change"}
