"""Connections to PostgreSQL: psycopg 3, synchronous commits whatever the server's default is.

Connections are in autocommit; who wants a transaction begins one. A gateway on SQLite never imports this file.
"""

import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, LiteralString

import psycopg

from tallygate.store.address import DatabaseAddress
from tallygate.store.refusal import DatabaseUnusable, first_line

CONNECT_TIMEOUT_S = 2
"""The least that libpq accepts; a call waits no longer for its database than this."""

ERROR = psycopg.Error

Connection = psycopg.Connection[tuple[Any, ...]]


def connect(address: DatabaseAddress) -> Connection:
    """Open a connection in autocommit. Raises DatabaseUnusable."""
    try:
        connection = psycopg.connect(address.target.reveal(), autocommit=True, connect_timeout=CONNECT_TIMEOUT_S)
    except psycopg.Error as error:
        raise _unusable(address, error) from error
    try:
        connection.execute("SET synchronous_commit TO on")
    except psycopg.Error as error:
        connection.close()
        raise _unusable(address, error) from error
    return connection


def fetch(connection: Connection, sql: LiteralString, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Run one statement with `?` for values and give all its rows."""
    cursor = connection.execute(sql.replace("?", "%s"), values)
    return cursor.fetchall() if cursor.description else []


def cut(connection: Connection) -> None:
    """Called from another thread: shut the socket under a statement that hangs, so that its thread wakes up with an
    error. Raises nothing.

    A server that is stopped or behind a dead route neither answers nor closes.
    """
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as handle:
        handle.shutdown(socket.SHUT_RDWR)


def _unusable(address: DatabaseAddress, error: psycopg.Error) -> DatabaseUnusable:
    return DatabaseUnusable(
        f"The database {address.shown} cannot be opened: {first_line(error)}\n"
        "Check that PostgreSQL runs there, that the database exists and that this user may use it, "
        "or correct the setting database_url."
    )
