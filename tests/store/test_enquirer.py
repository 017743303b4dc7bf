"""Questions beside the writer: answered on a thread of their own, given up when the database is away or slow."""

import asyncio
from pathlib import Path

import pytest

from tallygate.errors import NotFound, StoreUnavailable
from tallygate.store import enquirer as module
from tallygate.store.address import DatabaseAddress, parse_address
from tallygate.store.driver import DriverConnection
from tallygate.store.enquirer import WAITING_MAX, Enquirer
from tests.fixtures.postgresql import PrivateServer


def count_workspaces(connection: DriverConnection) -> int:
    return connection.fetch("SELECT COUNT(*) FROM workspaces")[0][0]


def sleep_long(connection: DriverConnection) -> list[tuple[object, ...]]:
    """A statement that takes minutes on either engine."""
    if connection.engine.value == "postgresql":
        return connection.fetch("SELECT pg_sleep(300)")
    return connection.fetch(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000000) SELECT SUM(i) FROM n"
    )


@pytest.mark.anyio
async def test_questions_are_answered_side_by_side(address: DatabaseAddress) -> None:
    enquirer = Enquirer(address)
    assert await asyncio.gather(*(enquirer.ask(count_workspaces) for _ in range(10))) == [0] * 10
    enquirer.close()


@pytest.mark.anyio
async def test_what_a_question_raises_comes_back(address: DatabaseAddress) -> None:
    def refuse(_: DriverConnection) -> None:
        raise NotFound

    enquirer = Enquirer(address)
    with pytest.raises(NotFound):
        await enquirer.ask(refuse)
    enquirer.close()


@pytest.mark.anyio
async def test_a_slow_statement_is_cut_and_its_thread_goes_on(address: DatabaseAddress) -> None:
    enquirer = Enquirer(address, answer_s=0.3)
    for _ in range(module.THREADS_MAX + 1):
        with pytest.raises(StoreUnavailable):
            await enquirer.ask(sleep_long)
    assert await Enquirer(address).ask(count_workspaces) == 0
    enquirer.close()  # would wait for minutes if a statement had not been cut


@pytest.mark.anyio
async def test_too_many_questions_are_refused_at_once(address: DatabaseAddress) -> None:
    enquirer = Enquirer(address, answer_s=0.3)
    waiting = [asyncio.create_task(enquirer.ask(sleep_long)) for _ in range(WAITING_MAX)]
    await asyncio.sleep(0)
    with pytest.raises(StoreUnavailable):
        await enquirer.ask(count_workspaces)
    assert {type(error) for error in await asyncio.gather(*waiting, return_exceptions=True)} == {StoreUnavailable}
    enquirer.close()


@pytest.mark.anyio
async def test_a_database_that_goes_and_comes_back() -> None:
    with PrivateServer() as server:
        enquirer = Enquirer(parse_address(server.create_database("gone"), Path()))
        ask = enquirer.ask(lambda connection: connection.fetch("SELECT 1"))
        assert await ask == [(1,)]
        server.kill()
        with pytest.raises(StoreUnavailable):
            await enquirer.ask(count_workspaces)
        server.start()
        assert await enquirer.ask(lambda connection: connection.fetch("SELECT 1")) == [(1,)]
        enquirer.close()
