"""The pages, opened by the first who asks for one: templates and passwords cost memory that others need not spend."""

import asyncio
from typing import TYPE_CHECKING

from tallygate import __version__
from tallygate.access.keys import Minter
from tallygate.api.account import Accounts
from tallygate.api.proofs import Proofs
from tallygate.config.settings import Settings
from tallygate.genai.secret import Secret
from tallygate.pipeline.supply import Supply
from tallygate.store.address import DatabaseAddress
from tallygate.store.writer import Writer

if TYPE_CHECKING:
    from tallygate.dashboard.window import Window


class LateWindow:
    """Stands in for the pages until somebody looks."""

    def __init__(
        self,
        settings: Settings,
        address: DatabaseAddress,
        admin_key: Secret,
        minter: Minter,
        writer: Writer,
        accounts: Accounts,
        proofs: Proofs,
        supply: Supply,
    ) -> None:
        self._settings, self._address, self._admin_key = settings, address, admin_key
        self._minter, self._writer, self._accounts, self._proofs = minter, writer, accounts, proofs
        self._supply = supply
        self._opening = asyncio.Lock()
        self._window: Window | None = None

    async def open(self) -> "Window":
        """The pages, ready to be served."""
        if self._window is None:
            async with self._opening:
                if self._window is None:
                    self._window = await asyncio.to_thread(self._make)
        return self._window

    def close(self) -> None:
        """Close their database, if they were ever opened."""
        if self._window is not None:
            self._window.close()

    def _make(self) -> "Window":
        from tallygate.access.sessions import Sessions
        from tallygate.dashboard.gate import Gate
        from tallygate.dashboard.visit import Rooms
        from tallygate.dashboard.window import Window
        from tallygate.store.database import Database

        settings, supply = self._settings.dashboard, self._supply
        database = Database(self._address)
        sessions = Sessions(database, self._admin_key, idle_s=settings.idle_s, absolute_s=settings.absolute_s)
        rooms = Rooms(
            database=database,
            minter=self._minter,
            writer=self._writer,
            accounts=self._accounts,
            proofs=self._proofs,
            catalog=lambda: supply.catalog,
            find_price=supply.find_price,
            gate=Gate(),
            list_health=supply.list_health,
            version=__version__,
        )
        return Window(rooms, sessions)
