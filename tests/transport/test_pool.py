"""Connections that are used again: nobody ever gets another's answer, none is lost, none is left over."""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tallygate.errors import ProviderTimeout, ShuttingDown, StreamBroken, UpstreamError
from tallygate.transport.base import OutgoingRequest, Timeouts
from tallygate.transport.http import HttpExit
from tallygate.transport.pool import Pool
from tallygate.transport.request import Place
from tallygate.transport.settings import TransportSettings
from tests.transport.wire import Line, answer, going_out, post, read_all, serving, until

TIMES = Timeouts(connect_ms=60_000, first_byte_ms=60_000, silence_ms=60_000, total_ms=60_000)

OK = b"HTTP/1.1 200 OK\r\n"
SCRIPTS: dict[str, Callable[[bytes], tuple[list[bytes], str]]] = {
    "whole": lambda body: ([answer(body)], "stay"),
    "chunks": lambda body: ([*_chunks(body), b"0\r\n\r\n"], "stay"),
    "until-end": lambda body: ([OK + b"\r\n", body], "leave"),
    "surplus": lambda body: ([answer(body) * 2], "stay"),
    "surplus-later": lambda body: ([answer(body), answer(body)], "stay"),
    "last": lambda body: ([answer(body, "connection: close")], "stay"),
    "old": lambda body: ([answer(body).replace(b"HTTP/1.1", b"HTTP/1.0")], "stay"),
    "unanswered": lambda _: ([], "leave"),
    "reset": lambda _: ([], "reset"),
    "short": lambda body: ([answer(body)[:-7]], "leave"),
    "half-chunks": lambda body: (_chunks(body), "leave"),
    "bad-chunk": lambda body: ([*_chunks(body), b"zz\r\n"], "stay"),
    "no-http": lambda body: ([b"SSH-2.0-" + body[:10] + b"\r\n"], "stay"),
    "interim": lambda body: ([b"HTTP/1.1 103 Early Hints\r\n\r\n" + answer(body)], "stay"),
    "bodiless": lambda body: ([b"HTTP/1.1 204 No Content\r\n\r\n" + answer(body)], "stay"),
    "closes-after": lambda body: ([answer(body)], "leave"),
}
"""What a provider says to a request, piece by piece, and whether it then waits for the next one."""

ACTIONS = ("read", "read", "read", "close", "read-some", "cancel")


def text_of(nonce: str) -> bytes:
    """A body that bears its request's nonce in every place."""
    return f"{nonce};".encode() * 40


def _chunks(body: bytes) -> list[bytes]:
    pieces = [body[start : start + 100] for start in range(0, len(body), 100)]
    head = OK + b"transfer-encoding: chunked\r\n\r\n"
    return [head, *(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)]


async def behave(line: Line) -> None:
    """A provider that does what each request's headers ask for."""
    ending = "stay"
    while ending == "stay":
        head, _ = await line.hear()
        asked = dict(header.split(": ", 1) for header in head.split("\r\n")[1:] if ": " in header)
        pieces, ending = SCRIPTS[asked["x-do"]](text_of(asked["x-nonce"]))
        for piece in pieces:
            await line.say(piece)
            await asyncio.sleep(0)
    if ending == "reset":
        line.tear_down()


async def call(exit_: HttpExit, url: str, nonce: str, behaviour: str, action: str) -> str:
    """One call, as its caller ends it. What is read must be of its own answer."""
    request = post(url, b"{}", ("x-nonce", nonce), ("x-do", behaviour))
    got = b""
    try:
        async with asyncio.timeout(0.001 if action == "cancel" else None):
            answered = await exit_.send(request, TIMES)
            try:
                if action == "close":
                    return "closed"
                while data := await answered.read():
                    got += data
                    assert text_of(nonce).startswith(got), f"{nonce} was given {got!r}"
                    if action == "read-some":
                        return "closed"
                assert got == (b"" if behaviour == "bodiless" else text_of(nonce))
                return "whole"
            finally:
                answered.close()
    except (UpstreamError, TimeoutError):
        return "failed"


Step = tuple[str, str]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(st.tuples(st.sampled_from(list(SCRIPTS)), st.sampled_from(ACTIONS)), max_size=6), max_size=6))
def test_nobody_gets_another_s_answer_and_no_connection_is_lost(rounds: list[list[Step]]) -> None:
    """Calls in rounds, those of one round at once, over fewer connections than calls."""

    async def play() -> None:
        exit_ = HttpExit(TransportSettings(connections_max=3))
        async with serving(behave) as url:
            for number, steps in enumerate(rounds):
                await asyncio.gather(
                    *(call(exit_, url, f"n{number}-{place}", *step) for place, step in enumerate(steps))
                )
                assert await call(exit_, url, f"n{number}-last", "whole", "read") == "whole"
            pool = exit_._pool
            if pool is not None:
                await until(lambda: not pool._lent)
                assert pool._room + len(pool._everything()) == 3
                assert not pool._turns
            await exit_.close()
            assert pool is None or (pool._room == 3 and not pool._everything())

    asyncio.run(play())


@pytest.mark.anyio
async def test_after_all_that_can_happen_only_idle_connections_are_open() -> None:
    async with serving(behave) as url:
        before = _sockets()
        exit_ = HttpExit()
        for number, behaviour in enumerate([*SCRIPTS] * 4):
            for action in set(ACTIONS):
                await call(exit_, url, f"n{number}{action}", behaviour, action)
        pool = exit_._pool
        assert pool is not None
        await until(lambda: not pool._lent)
        idle = len(pool._everything())
        assert idle <= len(SCRIPTS)
        await until(lambda: _sockets() <= before + 2 * idle)  # the other ends are here too
        await exit_.close()
        await until(lambda: _sockets() <= before)


def _sockets() -> int:
    count = 0
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            count += os.readlink(entry).startswith("socket:")
    return count


@asynccontextmanager
async def pooled(connections_max: int, idle_s: float = 60.0) -> AsyncGenerator[tuple[Pool, Place, Place]]:
    """A pool, and two places."""

    async def script(line: Line) -> None:
        await line.hear_end()

    async with serving(script) as one, serving(script) as other:
        pool = Pool(connections_max, idle_s)
        places = [Place(False, "127.0.0.1", int(url.rpartition(":")[2])) for url in (one, other)]
        yield pool, places[0], places[1]
        await pool.close()


@pytest.mark.anyio
async def test_who_waits_longest_is_served_first() -> None:
    async with pooled(1) as (pool, here, there):
        first = await pool.get(here)
        order: list[str] = []

        async def wait(name: str, place: Place) -> None:
            connection = await pool.get(place)
            order.append(name)
            pool.give_back(connection)

        waiting = [asyncio.ensure_future(wait(name, place)) for name, place in (("a", here), ("b", there), ("c", here))]
        await until(lambda: len(pool._turns) == 3)
        pool.give_back(first)
        await asyncio.gather(*waiting)
        assert order == ["a", "b", "c"]


@pytest.mark.anyio
async def test_who_gives_up_waiting_takes_nothing_along() -> None:
    async with pooled(1) as (pool, here, _):
        first = await pool.get(here)
        leaving, staying = (asyncio.ensure_future(pool.get(here)) for _ in range(2))
        await until(lambda: len(pool._turns) == 2)
        pool.give_back(first)  # given to the one who leaves in the same moment
        leaving.cancel()
        assert await staying is first
        assert leaving.cancelled()


@pytest.mark.anyio
async def test_the_last_used_is_lent_first_and_old_ones_are_closed() -> None:
    async with pooled(3, idle_s=0.3) as (pool, here, _):
        connections = [await pool.get(here) for _ in range(3)]
        for connection in connections:
            pool.give_back(connection)
        assert pool.take(here) is connections[-1]
        await until(lambda: len(pool._everything()) == 1)
        assert pool._everything() == [connections[-1]]
        pool.give_back(connections[-1])
        await until(lambda: not pool._everything() and pool._look is None)


@pytest.mark.anyio
async def test_an_idle_connection_elsewhere_makes_room() -> None:
    async with pooled(2) as (pool, here, there):
        idle = [await pool.get(here), await pool.get(here)]
        for connection in idle:
            pool.give_back(connection)
        await pool.get(there)
        assert idle[0].lost
        assert not idle[1].lost


@pytest.mark.anyio
async def test_waiting_and_being_lent_end_when_the_pool_closes() -> None:
    async with pooled(1) as (pool, here, _):
        lent = await pool.get(here)
        waiting = asyncio.ensure_future(pool.get(here))
        await until(lambda: bool(pool._turns))
        await pool.close()
        assert lent.lost
        with pytest.raises(ShuttingDown):
            await waiting


@pytest.mark.anyio
async def test_an_answer_nobody_reads_any_more_ends_with_its_time() -> None:
    """Who forgets to close one holds its provider no longer than that."""

    async def script(line: Line) -> None:
        await line.hear()
        await line.say(b"HTTP/1.1 200 OK\r\n\r\n")
        await line.hear_end()
        gone.set()

    gone = asyncio.Event()
    async with serving(script) as url, going_out() as exit_:
        got = await exit_.send(post(url), replace(TIMES, total_ms=100))
        await gone.wait()
        with pytest.raises(ProviderTimeout):
            await got.read()


@pytest.mark.anyio
async def test_a_connection_that_ended_while_idle_is_not_used() -> None:
    used: list[int] = []

    async def script(line: Line) -> None:
        await line.hear()
        used.append(line.number)
        await line.say(answer(b"x"))
        line.hang_up()

    async with serving(script) as url, going_out() as exit_:
        for _ in range(3):
            assert await read_all(await exit_.send(post(url), TIMES)) == b"x"
    assert used == [1, 2, 3]


@pytest.mark.anyio
@pytest.mark.parametrize("behind", [b"x", b"HTTP/1.1 200 OK\r\ncontent-le"])
async def test_a_connection_is_not_used_again_after_bytes_behind_an_answer(behind: bytes) -> None:
    """Also if they have been read with it: what follows them would stand before the next answer."""
    used: list[int] = []

    async def script(line: Line) -> None:
        while True:
            await line.hear()
            used.append(line.number)
            await line.say(answer(b"mine") + behind)

    async with serving(script) as url, going_out() as exit_:
        for _ in range(2):
            assert await read_all(await exit_.send(post(url), TIMES)) == b"mine"
    assert used == [1, 2]


@pytest.mark.anyio
async def test_a_request_is_never_sent_twice() -> None:
    """The provider takes it and goes away: it may have done all the work."""
    heard: list[str] = []

    async def script(line: Line) -> None:
        await line.hear()
        await line.say(answer(b"x"))
        heard.append((await line.hear())[0])

    async with serving(script) as url, going_out() as exit_:
        await read_all(await exit_.send(post(url), TIMES))
        with pytest.raises(UpstreamError):
            await exit_.send(OutgoingRequest("POST", f"{url}/dear", (), b"{}"), TIMES)
    assert len(heard) == 1


@pytest.mark.anyio
async def test_a_closed_exit_breaks_its_answers() -> None:
    async with serving(behave) as url, going_out() as exit_:
        request = post(url, b"{}", ("x-nonce", "n"), ("x-do", "half-chunks"))
        got = await exit_.send(request, TIMES)
        await exit_.close()
        with pytest.raises(StreamBroken):
            await read_all(got)
