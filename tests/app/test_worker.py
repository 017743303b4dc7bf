"""How the rooms are joined: what no room can see by itself."""

import asyncio
import threading
from contextlib import closing
from pathlib import Path

from tallygate.app import Worker, make_supply
from tallygate.app.configuration import Configuration
from tallygate.app.opening import open_log_keys, open_store
from tallygate.app.renewal import Renewal
from tallygate.config import resolve
from tallygate.store.address import parse_address
from tallygate.store.driver import DriverConnection
from tallygate.store.enquirer import WAITING_MAX


def test_callers_questions_do_not_keep_the_gateway_from_its_own(tmp_path: Path) -> None:
    """Whoever asks for report after report must not run on with a revoked key meanwhile."""
    resolved = resolve(environ={}, flags={"data": tmp_path, "discover": False}, folder=tmp_path)
    settings = resolved.settings
    address = parse_address(settings.database_url, settings.data)
    pepper, _ = open_store(settings, address)
    answered = threading.Event()

    def report(_: DriverConnection) -> bool:
        return answered.wait(60)

    async def run() -> frozenset[str]:
        keys, supply = open_log_keys(settings, address), make_supply(settings, demo=True)
        worker = Worker(Configuration(renewal), address, pepper, keys, supply, port=1)
        asked = [asyncio.ensure_future(worker._enquirer.ask(report)) for _ in range(WAITING_MAX)]
        await asyncio.sleep(0)
        try:
            return await worker._find_dead(frozenset({"key_gone"}))
        finally:
            answered.set()
            assert all(await asyncio.gather(*asked))

    with closing(Renewal(resolved)) as renewal:
        assert asyncio.run(run()) == {"key_gone"}
