"""A plain connection to either engine, for statements spelled by hand: a warm start and every call go through here.

How an engine is connected to, and what its promises are, stands in its own driver file. SQLAlchemy is not imported
here, nor the package of an engine that is not used.
"""

from collections.abc import Sequence
from typing import Any, LiteralString

from tallygate.store.address import DatabaseAddress
from tallygate.store.registry import Row, Value, load_driver


class DriverError(Exception):
    """A statement failed, or its connection did. `__cause__` is the error of the engine's package."""


class DriverConnection:
    """One autocommit connection. It belongs to the thread that opened it. Raises DatabaseUnusable."""

    def __init__(self, address: DatabaseAddress) -> None:
        self.engine = address.engine
        self._driver = load_driver(address.engine)
        self._connection: Any = self._driver.connect(address)

    def fetch(self, sql: LiteralString, values: Sequence[Value] = ()) -> list[Row]:
        """Run one statement with `?` for values and give all its rows. Raises DriverError."""
        try:
            return self._driver.fetch(self._connection, sql, values)
        except self._driver.ERROR as error:
            raise DriverError(str(error)) from error

    def cut(self) -> None:
        """Called from another thread: make a statement that hangs fail. Raises nothing."""
        self._driver.cut(self._connection)

    def close(self) -> None:
        """Close it; closing a broken connection is fine."""
        self._connection.close()
