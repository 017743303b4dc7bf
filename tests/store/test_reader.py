"""The lookup of a call: what it sees, when it sees it, and what it says when the database is away."""

import asyncio
import os
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from tallygate.errors import StoreUnavailable
from tallygate.store.address import DatabaseAddress, parse_address
from tallygate.store.audit import Change
from tallygate.store.database import Database
from tallygate.store.keys import change_key, create_key, revoke_key
from tallygate.store.migrate import migrate
from tallygate.store.reader import ANSWER_S, BATCH_MAX, Reader
from tallygate.store.rows import KeyRecord, NewKey
from tallygate.store.tenants import create_workspace, disable_user, disable_workspace
from tests.fixtures.postgresql import PrivateServer

NOW = Change("tester", 1)


def make_key(database: Database, digest: bytes, workspace: str = "acme") -> KeyRecord:
    new = NewKey(
        digest=digest,
        name="",
        prefix="lx-k_",
        last4="wxyz",
        key_class="k",
        permissions=frozenset({"models:use"}),
        models=frozenset({"m"}),
        expires_at_ns=7,
    )
    return create_key(database, workspace, "owner", new, NOW)


@contextmanager
def reading(address: DatabaseAddress) -> Generator[Reader]:
    reader = Reader(address)
    reader.start()
    try:
        yield reader
    finally:
        reader.close()


@pytest.fixture
def reader(address: DatabaseAddress) -> Generator[Reader]:
    with reading(address) as opened:
        yield opened


@pytest.mark.anyio
async def test_a_key_comes_with_its_user_and_workspace(database: Database, reader: Reader) -> None:
    create_workspace(database, "acme", NOW)
    record = make_key(database, b"1" * 32)
    row = await reader.find_key(b"1" * 32)
    assert row is not None
    assert (row.id, row.user_id, row.workspace_id) == (record.id, record.user_id, record.workspace_id)
    assert (row.permissions, row.models, row.expires_at_ns, row.version) == ({"models:use"}, {"m"}, 7, 1)
    assert (row.status, row.user_status, row.workspace_status) == ("active", "active", "active")
    assert await reader.find_key(b"2" * 32) is None


@pytest.mark.anyio
async def test_every_committed_change_is_seen_by_the_next_question(database: Database, reader: Reader) -> None:
    create_workspace(database, "acme", NOW)
    record = make_key(database, b"1" * 32)
    row = await reader.find_key(b"1" * 32)
    assert row is not None
    steps: list[tuple[Callable[[], object], dict[str, object]]] = [
        (lambda: change_key(database, record.id, None, NOW, models=None), {"models": None, "version": 2}),
        (lambda: revoke_key(database, record.id, None, NOW), {"status": "revoked", "version": 3}),
        (lambda: disable_user(database, "acme", "owner", NOW), {"user_status": "disabled"}),
        (lambda: disable_workspace(database, "acme", NOW), {"workspace_status": "disabled"}),
    ]
    for change, expected in steps:
        change()
        row = replace(row, **expected)
        assert await reader.find_key(b"1" * 32) == row


@pytest.mark.anyio
async def test_many_questions_at_once_each_get_their_own_answer(database: Database, reader: Reader) -> None:
    create_workspace(database, "acme", NOW)
    ids = {digest: make_key(database, digest).id for digest in (bytes([n]) * 32 for n in range(20))}
    asked = [bytes([n % 40]) * 32 for n in range(3 * BATCH_MAX)]
    rows = await asyncio.gather(*map(reader.find_key, asked))
    assert [row and row.id for row in rows] == [ids.get(digest) for digest in asked]


@pytest.mark.anyio
async def test_a_caller_that_leaves_hurts_nobody(database: Database, reader: Reader) -> None:
    create_workspace(database, "acme", NOW)
    make_key(database, b"1" * 32)
    leaving = [asyncio.create_task(reader.find_key(b"1" * 32)) for _ in range(8)]
    await asyncio.sleep(0)
    for task in leaving:
        task.cancel()
    assert await reader.find_key(b"1" * 32) is not None


def test_one_reader_serves_one_loop_after_another(database: Database, reader: Reader) -> None:
    create_workspace(database, "acme", NOW)
    make_key(database, b"1" * 32)
    for _ in range(2):
        assert asyncio.run(reader.find_key(b"1" * 32)) is not None


def test_questions_put_before_the_end_are_answered(address: DatabaseAddress) -> None:
    async def ask_and_close() -> list[object]:
        reader = Reader(address)
        asked = [asyncio.ensure_future(reader.find_key(b"1" * 32)) for _ in range(3)]
        await asyncio.sleep(0)
        reader.start()
        await asyncio.to_thread(reader.close)
        return await asyncio.gather(*asked)

    assert asyncio.run(ask_and_close()) == [None] * 3


def test_a_file_that_cannot_be_opened_is_a_503(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with reading(parse_address(f"sqlite:///{tmp_path}/file/x.db", Path())) as reader:
        with pytest.raises(StoreUnavailable) as caught:
            asyncio.run(reader.ping())
        assert caught.value.status == 503
        assert "file" not in caught.value.message


@pytest.fixture(scope="module")
def own_server() -> Generator[PrivateServer]:
    """A server that these tests may stop."""
    with PrivateServer() as server:
        yield server


@pytest.fixture
def own_address(own_server: PrivateServer) -> Generator[DatabaseAddress]:
    address = parse_address(own_server.create_database("away"), Path())
    migrate(address)
    yield address
    own_server.drop_database("away")


async def is_refused(question: Coroutine[object, object, object]) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        await question
    assert caught.value.retry_after_s == 2


@pytest.mark.anyio
async def test_postgresql_stops_and_comes_back(own_server: PrivateServer, own_address: DatabaseAddress) -> None:
    with reading(own_address) as reader:
        await reader.ping()
        own_server.kill()
        try:
            for _ in range(3):
                await is_refused(reader.ping())
        finally:
            own_server.start()
        await reader.ping()


@pytest.mark.anyio
async def test_a_restart_between_two_calls_is_not_noticed(
    own_server: PrivateServer, own_address: DatabaseAddress
) -> None:
    with reading(own_address) as reader:
        await reader.ping()
        own_server.kill()
        own_server.start()
        await reader.ping()


@pytest.mark.anyio
async def test_postgresql_hangs_and_goes_on(own_server: PrivateServer, own_address: DatabaseAddress) -> None:
    with reading(own_address) as reader:
        await reader.ping()
        own_server.freeze()
        try:
            for _ in range(2):
                await is_refused(reader.ping())
            questions = [reader.find_key(os.urandom(32)) for _ in range(2 * BATCH_MAX)]
            answers = await asyncio.gather(*questions, return_exceptions=True)
            assert all(isinstance(answer, StoreUnavailable) for answer in answers)
        finally:
            own_server.thaw()
        # The thread may still be in its last attempt to connect, which ends one way or the other.
        for attempt in range(3):
            try:
                await reader.ping()
                break
            except StoreUnavailable:
                assert attempt < 2, "the reader did not come back"


def test_a_hanging_server_holds_neither_calls_nor_the_process(
    own_server: PrivateServer, own_address: DatabaseAddress
) -> None:
    assert ANSWER_S == 2
    with reading(own_address) as reader:
        asyncio.run(reader.ping())
        own_server.freeze()
        try:
            asyncio.run(is_refused(reader.ping()))
            # Ends only when the thread has been woken from its read: the server is still frozen.
            reader.close()
        finally:
            own_server.thaw()
