"""Several addresses, of which not all lead anywhere; names that are looked up once."""

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from tallygate.transport.connection import Connection
from tallygate.transport.dial import Dialler, _race, _Target
from tallygate.transport.request import Place
from tests.transport.wire import Line, serving, until, unused_port

pytestmark = pytest.mark.anyio


async def say_nothing(line: Line) -> None:
    await line.hear_end()


def target(port: int) -> _Target:
    return _Target(socket.AF_INET, ("127.0.0.1", port))


@contextmanager
def black_hole() -> Generator[_Target]:
    """An address whose connections are never made: nobody accepts, and the queue is full."""
    callers: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        for _ in range(4):
            callers.append(caller := socket.socket())
            caller.setblocking(False)
            caller.connect_ex(listener.getsockname())
        yield target(listener.getsockname()[1])
        for caller in callers:
            caller.close()


async def test_the_next_address_is_tried_when_one_refuses() -> None:
    async with serving(say_nothing) as url:
        good = int(url.rpartition(":")[2])
        sock = await _race(asyncio.get_running_loop(), [target(unused_port()), target(good)])
        assert sock.getpeername()[1] == good
        sock.close()


async def test_the_next_address_is_tried_beside_one_that_is_silent() -> None:
    with black_hole() as silent:
        async with serving(say_nothing) as url, asyncio.timeout(30):
            good = int(url.rpartition(":")[2])
            sock = await _race(asyncio.get_running_loop(), [silent, target(good)])
            assert sock.getpeername()[1] == good
            sock.close()


async def test_the_first_refusal_is_told_when_none_leads_anywhere() -> None:
    with pytest.raises(ConnectionRefusedError):
        await _race(asyncio.get_running_loop(), [target(unused_port()), target(unused_port())])


async def test_who_gives_up_leaves_nothing_behind() -> None:
    with black_hole() as silent, pytest.raises(TimeoutError):
        async with asyncio.timeout(0.4):
            await _race(asyncio.get_running_loop(), [silent, silent])


async def test_a_name_is_looked_up_once_for_all_who_ask() -> None:
    gone: list[Connection] = []
    async with serving(say_nothing) as url:
        port = int(url.rpartition(":")[2])
        dialler = Dialler(lambda place: Connection(place, memoryview(bytearray(1024)), gone.append))
        place = Place(False, "localhost", port)
        leaving = asyncio.ensure_future(dialler.dial(place))
        staying = [asyncio.ensure_future(dialler.dial(place)) for _ in range(3)]
        await asyncio.sleep(0)
        assert len(dialler._names) == 1
        leaving.cancel()  # ends its own wait, and nobody else's
        for connection in await asyncio.gather(*staying):
            connection.abort()
        await until(lambda: len(gone) == 3)


async def test_a_name_that_is_not_found_is_asked_for_again() -> None:
    dialler = Dialler(lambda place: Connection(place, memoryview(bytearray(1024)), lambda _: None))
    with pytest.raises(socket.gaierror):
        await dialler.dial(Place(False, "nowhere.invalid", 80))
    await until(lambda: not dialler._names)
