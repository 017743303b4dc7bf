"""What waits and what does not, while rows are locked, the database is away, or nobody knows what a commit came to."""

import asyncio
import threading
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import pytest

from tallygate.errors import StoreUnavailable
from tallygate.genai.results import Held, Posted
from tallygate.store.address import DatabaseAddress, Engine, parse_address
from tallygate.store.book import Broken, Full
from tallygate.store.driver import DriverConnection
from tallygate.store.migrate import migrate
from tests.faults.money_book import Watch
from tests.faults.money_proxy import Cut, Proxy
from tests.fixtures.postgresql import PrivateServer
from tests.laws.store_town import Town
from tests.store.writing import Gate, call, end, kinds, open_desk

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def own_server() -> Generator[PrivateServer]:
    """A server that a test may stop."""
    with PrivateServer() as server:
        yield server


async def test_a_wallet_locked_elsewhere_stops_its_own_calls_alone(address: DatabaseAddress) -> None:
    async with open_desk(address) as desk:
        row = await desk.hold("a")
        with closing(DriverConnection(address)) as outside:
            lock(outside, "w1")
            ended = asyncio.ensure_future(desk.writer.settle(end(row)))
            asked = asyncio.ensure_future(desk.writer.admit(call("stuck")))
            if address.engine is Engine.POSTGRESQL:
                for number in range(20):
                    other = await desk.hold(f"other{number}", key_id="k4")
                    assert isinstance(await desk.writer.settle(end(other)), Posted)
            with pytest.raises(StoreUnavailable) as refusal:
                await asked
            assert refusal.value.retry_after_s
            assert not ended.done()
            outside.fetch("ROLLBACK")
        assert isinstance(await ended, Posted)
        assert isinstance(await desk.writer.admit(call("after")), Held)
        assert desk.writer.live_holds() == {"after"}
        stuck = (await asyncio.to_thread(desk.read)).tables["holds"].get("stuck")
        assert stuck is None or stuck.state == "voided"


async def test_a_hold_that_comes_as_its_waiter_leaves_is_voided(address: DatabaseAddress) -> None:
    """Both in one turn of the loop, as with a timeout under load: the waiter never learns that it was given a hold."""
    watch = Watch()
    async with open_desk(address, watch) as desk:
        gate = Gate(watch, "before commit")
        asked = asyncio.ensure_future(desk.writer.admit(call("late")))
        await gate.reached()
        gate.let_go()
        next_one = threading.Event()
        watch.look = lambda moment: next_one.set() if moment == "before load" else None
        desk.writer.beat()
        # The loop stands still until the writer has handed the hold over, and then has both to tell.
        assert next_one.wait(60)
        asyncio.get_running_loop().call_soon(asked.cancel)
        with pytest.raises(asyncio.CancelledError):
            await asked
        await desk.hold("next")  # ends of calls are written before it
        assert desk.writer.live_holds() == {"next"}
        assert (await asyncio.to_thread(desk.read)).tables["holds"]["late"].state == "voided"


@pytest.mark.parametrize("engine", ["postgresql"])  # on SQLite a lock is on the whole database
async def test_who_only_waits_still_gives_signs_of_life(address: DatabaseAddress) -> None:
    """A lock held elsewhere, however long, must not make a process look dead: it would lose its calls."""
    watch = Watch()
    async with open_desk(address, watch) as desk:
        row = await desk.hold("a")
        with closing(DriverConnection(address)) as outside, closing(Town(address)) as town:
            lock(outside, "w1")
            ended = asyncio.ensure_future(desk.writer.settle(end(row)))
            gate = Gate(watch, "before load")
            await gate.reached()
            gate.let_go()
            desk.writer.beat()
            while not town.beats():
                assert not ended.done()
                await asyncio.sleep(0)
            outside.fetch("ROLLBACK")
        assert isinstance(await ended, Posted)


async def test_no_space_refuses_what_is_asked_for_and_keeps_what_must_be_written(address: DatabaseAddress) -> None:
    watch = Watch()
    async with open_desk(address, watch) as desk:
        row = await desk.hold("a")
        seen: list[str] = []

        def is_full(moment: str) -> None:
            if moment == "before commit":
                seen.append(moment)
                raise Full("no space")

        watch.look = is_full
        ended = asyncio.ensure_future(desk.writer.settle(end(row)))
        with pytest.raises(StoreUnavailable, match="no space"):
            await desk.writer.admit(call("refused"))
        assert not ended.done()
        watch.look = lambda moment: None
        assert isinstance(await ended, Posted)
        assert desk.writer.live_holds() == frozenset()


async def test_a_disk_that_cannot_be_trusted_ends_the_writer(address: DatabaseAddress) -> None:
    watch = Watch()
    async with open_desk(address, watch) as desk:
        row = await desk.hold("a")

        def break_down(moment: str) -> None:
            if moment == "before commit":
                raise Broken("fsync failed")

        watch.look = break_down
        ended = asyncio.ensure_future(desk.writer.settle(end(row)))
        with pytest.raises(StoreUnavailable):
            await desk.writer.admit(call("b"))
        assert [str(error) for error in desk.broken] == ["fsync failed"]
        assert not ended.done()
        ended.cancel()


async def test_an_end_survives_a_crash_of_the_server(own_server: PrivateServer) -> None:
    address = await asyncio.to_thread(create, own_server, "crash")
    watch = Watch()
    async with open_desk(address, watch) as desk:
        row = await desk.hold("a")
        gate = Gate(watch, "before commit")
        ended = asyncio.ensure_future(desk.writer.settle(end(row)))
        await gate.reached()
        await asyncio.to_thread(own_server.kill)
        gate.let_go()
        with pytest.raises(StoreUnavailable):
            await desk.writer.admit(call("b"))
        assert not ended.done()
        await asyncio.to_thread(own_server.start)
        posted = await ended
        assert isinstance(posted, Posted)
        assert (await asyncio.to_thread(desk.read)).hold("a") == posted.hold


async def test_a_server_that_hangs_is_cut_off(own_server: PrivateServer) -> None:
    """Nothing answers and nothing closes: only a clock of our own can tell."""
    address = await asyncio.to_thread(create, own_server, "freeze")
    watch = Watch()
    async with open_desk(address, watch) as desk:
        row = await desk.hold("a")
        gate = Gate(watch, "before load")
        ended = asyncio.ensure_future(desk.writer.settle(end(row)))
        await gate.reached()
        await asyncio.to_thread(own_server.freeze)
        gate.let_go()
        tries = Gate(watch, "opened")
        with pytest.raises(StoreUnavailable):
            await desk.writer.admit(call("b"))
        assert not ended.done()
        await asyncio.to_thread(own_server.thaw)
        await tries.reached()
        tries.let_go()
        posted = await ended
        assert isinstance(posted, Posted)
        assert (await asyncio.to_thread(desk.read)).hold("a") == posted.hold


@pytest.mark.parametrize("cut", ["request", "answer", "delay"])
async def test_a_commit_whose_outcome_is_unknown_is_asked_for(own_server: PrivateServer, cut: Cut) -> None:
    """Whether the COMMIT got lost, its answer did, or it arrives late: one posting, and a true answer."""
    name = f"cut_{cut}"
    direct = await asyncio.to_thread(create, own_server, name)
    folder = Path(direct.target.reveal().partition("host=")[2])
    watch = Watch()
    with Proxy(folder) as proxy:
        async with open_desk(parse_address(proxy.url(name), Path()), watch) as desk:
            row = await desk.hold("a")
            asks = Gate(watch, "before outcome")
            proxy.cut_next(cut)
            ended = asyncio.ensure_future(desk.writer.settle(end(row)))
            asked = asyncio.ensure_future(desk.writer.admit(call("b")))
            await asks.reached()
            assert not ended.done()
            asks.let_go()
            if cut == "delay":
                again = Gate(watch, "before outcome")
                await again.reached()
                assert not ended.done()
                proxy.release()
                again.let_go()
            posted = await ended
            assert isinstance(posted, Posted)
            assert kinds([await asked]) == ["Held"]
            assert proxy.cuts == 1
            assert (await asyncio.to_thread(desk.read)).hold("a") == posted.hold


def lock(outside: DriverConnection, workspace_id: str) -> None:
    """Lock one wallet; on SQLite that is the database."""
    if outside.engine is Engine.SQLITE:
        outside.fetch("BEGIN IMMEDIATE")
    else:
        outside.fetch("BEGIN")
        outside.fetch("SELECT 1 FROM wallets WHERE workspace_id = ? FOR UPDATE", (workspace_id,))


def create(server: PrivateServer, name: str) -> DatabaseAddress:
    """A migrated database on a server of one's own."""
    address = parse_address(server.create_database(name), Path())
    migrate(address)
    return address
