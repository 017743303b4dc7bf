"""The admin's doors, opened by the first who knocks: they are rarely used and bring SQLAlchemy along."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tallygate.access.keys import Minter
from tallygate.access.principal import Principal
from tallygate.api.admin.editions import Configuration
from tallygate.api.door import Reply, Request
from tallygate.router.health import TargetHealth
from tallygate.store.address import DatabaseAddress
from tallygate.store.writer import Writer

if TYPE_CHECKING:
    from tallygate.api.admin.desk import Desk


class LateDesk:
    """Stands in for the admin's desk until somebody needs it."""

    def __init__(
        self,
        address: DatabaseAddress,
        minter: Minter,
        writer: Writer,
        configuration: Configuration,
        json_depth_max: int,
        list_health: Callable[[], Sequence[TargetHealth]],
    ) -> None:
        self._address, self._minter, self._writer = address, minter, writer
        self._configuration, self._json_depth_max = configuration, json_depth_max
        self._list_health = list_health
        self._desk: Desk | None = None

    async def serve(self, path: str, request: Request, principal: Principal) -> Reply:
        """What the door at `path` answers. Raises RequestError, StoreUnavailable."""
        from tallygate.api.desk_doors import serve_desk

        if self._desk is None:
            self._desk = await asyncio.to_thread(self._open)
        return await serve_desk(self._desk, path, request, principal)

    def close(self) -> None:
        """Close its database, if it was ever opened."""
        if self._desk is not None:
            self._desk.database.close()

    def _open(self) -> "Desk":
        from tallygate.api.admin.desk import Desk
        from tallygate.store.database import Database

        return Desk(
            Database(self._address),
            self._minter,
            self._writer,
            self._json_depth_max,
            self._configuration,
            self._list_health,
        )
