"""A column of values as one array literal of PostgreSQL (https://www.postgresql.org/docs/current/arrays.html, 8.15.2).

psycopg would look at each value to choose a type, at several times the cost, and give each mix of small and large
numbers a type and so a prepared statement of its own. Here the statement names the type.
"""

from collections.abc import Iterable


def pack_array(values: Iterable[str | int | bytes | None]) -> str:
    """The literal of a one-dimensional array; None is NULL."""
    return "{" + ",".join([_pack(value) for value in values]) + "}"


def _pack(value: str | int | bytes | None) -> str:
    if isinstance(value, str):
        if "\\" in value or '"' in value:
            value = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{value}"'
    if isinstance(value, bytes):
        return f'"\\\\x{value.hex()}"'
    return "NULL" if value is None else str(value)
