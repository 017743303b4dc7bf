"""The way out in time: how long it waits for a provider, and how soon it lets go of one."""

import asyncio

import pytest
from msgspec.structs import replace

from tallygate.errors import InvalidAnswer, ProviderTimeout, StreamBroken
from tallygate.transport.base import Timeouts
from tallygate.transport.http import HttpAnswer
from tallygate.transport.settings import TransportSettings
from tests.transport.wire import Line, answer, going_out, post, read_all, serving, until

pytestmark = pytest.mark.anyio

PATIENT = Timeouts(connect_ms=60_000, first_byte_ms=60_000, silence_ms=60_000, total_ms=60_000)
"""Each test shortens the one limit it is about, so that a busy machine reaches no other."""
OK = "HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize("when", ["in the body", "before the head"])
async def test_closing_is_felt_by_the_provider_at_once(when: str) -> None:
    gone = asyncio.Event()
    begun = asyncio.Event()

    async def script(line: Line) -> None:
        await line.hear()
        if when == "in the body":
            await line.say(f"{OK}\r\ndata: 1\n\n".encode())
        begun.set()
        await line.hear_end()
        gone.set()

    async with serving(script) as url, going_out() as exit_:
        if when == "in the body":
            got = await exit_.send(post(url), Timeouts())
            assert await got.read()
            got.close()
        else:
            task = asyncio.ensure_future(exit_.send(post(url), Timeouts()))
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        async with asyncio.timeout(1):
            await gone.wait()


async def test_closing_does_not_wait_for_a_request_the_provider_will_not_take() -> None:
    gone = asyncio.Event()

    async def script(line: Line) -> None:
        await line.say(f"{OK}\r\ntoo much".encode())
        await line.hear_end()
        gone.set()

    async with serving(script) as url, going_out() as exit_:
        got = await exit_.send(post(url, b"x" * 30_000_000), Timeouts())
        assert await got.read() == b"too much"
        got.close()
        async with asyncio.timeout(1):
            await gone.wait()


async def test_silence_before_the_head_ends_in_a_timeout() -> None:
    async def script(line: Line) -> None:
        await line.hear()
        await line.hear_end()

    async with serving(script) as url, going_out() as exit_:
        with pytest.raises(ProviderTimeout, match="did not begin to answer"):
            await exit_.send(post(url), replace(PATIENT, first_byte_ms=100))


async def test_a_request_that_is_never_taken_ends_in_a_timeout() -> None:
    waiting = asyncio.Event()

    async def script(line: Line) -> None:
        await waiting.wait()

    limits = Timeouts(connect_ms=100, first_byte_ms=100, silence_ms=100, total_ms=60_000)
    async with serving(script) as url, going_out() as exit_:
        with pytest.raises(ProviderTimeout, match="did not begin to answer"):
            await exit_.send(post(url, b"x" * 30_000_000), limits)
        waiting.set()


async def test_silence_in_the_body_ends_in_a_timeout_after_what_came() -> None:
    async def script(line: Line) -> None:
        await line.hear()
        await line.say(f"{OK}\r\ndata: 1\n\n".encode())
        await line.hear_end()

    async with serving(script) as url, going_out() as exit_:
        got = await exit_.send(post(url), replace(PATIENT, silence_ms=100))
        assert await got.read() == b"data: 1\n\n"
        with pytest.raises(ProviderTimeout, match="fell silent"):
            await got.read()
        with pytest.raises(ProviderTimeout):
            await got.read()


async def test_the_body_has_its_own_limit_of_silence() -> None:
    """A pause longer than the head's limit is no timeout when the body's is longer."""

    async def script(line: Line) -> None:
        await line.hear()
        await line.say(f"{OK}content-length: 2\r\n\r\na".encode())
        await asyncio.sleep(1.5)
        await line.say(b"b")

    async with serving(script) as url, going_out() as exit_:
        got = await exit_.send(post(url), replace(PATIENT, first_byte_ms=1_000))
        assert await read_all(got) == b"ab"


async def test_a_trickle_ends_at_the_limit_of_the_whole() -> None:
    async def script(line: Line) -> None:
        await line.hear()
        await line.say(f"{OK}\r\n".encode())
        while True:
            await line.say(b":\n")
            await asyncio.sleep(0.02)

    async with serving(script) as url, going_out() as exit_:
        got = await exit_.send(post(url), replace(PATIENT, total_ms=1_000))
        with pytest.raises(ProviderTimeout):
            await read_all(got)


async def test_hundreds_of_streams_run_at_once() -> None:
    here = 0
    all_here = asyncio.Event()

    async def script(line: Line) -> None:
        nonlocal here
        await line.hear()
        here += 1
        if here == 300:
            all_here.set()
        await all_here.wait()
        await line.say(answer(b"x"))

    async with serving(script) as url, going_out() as exit_:
        answers = await asyncio.gather(*(exit_.send(post(url), Timeouts()) for _ in range(300)))
        assert [await read_all(got) for got in answers] == [b"x"] * 300


async def test_no_connection_within_the_limit_is_a_timeout() -> None:
    taken = asyncio.Event()

    async def script(line: Line) -> None:
        await line.hear()
        taken.set()
        await line.hear_end()

    async with serving(script) as url, going_out(TransportSettings(connections_max=1)) as exit_:
        first = asyncio.ensure_future(exit_.send(post(url), PATIENT))
        await taken.wait()
        with pytest.raises(ProviderTimeout, match="No connection"):
            await exit_.send(post(url), replace(PATIENT, connect_ms=100))
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


async def test_a_server_that_speaks_first_is_not_called_again_and_again() -> None:
    called: list[int] = []

    async def script(line: Line) -> None:
        called.append(line.number)
        await line.say(b"SSH-2.0-OpenSSH_9.2\r\n")
        await line.hear_end()

    async with serving(script) as url, going_out() as exit_:
        for _ in range(2):
            with pytest.raises(InvalidAnswer):
                await exit_.send(post(url), Timeouts())
    assert called == [1, 2]


@pytest.mark.parametrize("reading", [False, True])
async def test_an_answer_is_broken_when_the_exit_closes_under_it(reading: bool) -> None:
    async def script(line: Line) -> None:
        await line.hear()
        await line.say(f"{OK}\r\ndata: 1\n\n".encode())
        await line.hear_end()

    async with serving(script) as url, going_out() as exit_:
        got = await exit_.send(post(url), Timeouts())
        assert await got.read() == b"data: 1\n\n"
        if reading:
            _, broken = await asyncio.gather(exit_.close(), got.read(), return_exceptions=True)
            assert isinstance(broken, StreamBroken)
        else:
            await exit_.close()
            with pytest.raises(StreamBroken):
                await got.read()


async def test_others_get_their_turn_when_more_has_come_meanwhile() -> None:
    read = asyncio.Event()
    turns: list[int] = []

    async def script(line: Line) -> None:
        await line.hear()
        await line.say(f"{OK}\r\none".encode())
        await read.wait()
        await line.say(b"two")
        await line.hear_end()

    async with serving(script) as url, going_out() as exit_:
        got = await exit_.send(post(url), PATIENT)
        assert isinstance(got, HttpAnswer)
        connection = got._connection
        assert connection is not None
        assert await got.read() == b"one"
        read.set()
        await until(lambda: connection._unread_bytes == 3)
        asyncio.get_running_loop().call_soon(turns.append, 1)
        assert await got.read() == b"two"
        assert turns
        got.close()


async def test_others_get_their_turn_between_two_pieces_of_what_is_at_hand() -> None:
    body = b"x" * 60_000
    turns = 0

    def count() -> None:
        nonlocal turns
        turns += 1

    async def script(line: Line) -> None:
        await line.hear()
        await line.say(answer(body))
        await line.hear_end()

    async with serving(script) as url, going_out() as exit_:
        got = await exit_.send(post(url), PATIENT)
        pieces = [await got.read()]
        assert len(pieces[0]) <= 16_384
        while sum(map(len, pieces)) < len(body):
            asyncio.get_running_loop().call_soon(count)
            pieces.append(await got.read())
            assert turns == len(pieces) - 1
    assert b"".join(pieces) == body


async def test_a_provider_that_never_pauses_lets_other_tasks_have_their_turn() -> None:
    async def script(line: Line) -> None:
        await line.hear()
        await line.say(answer(b"x" * 200_000))

    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with serving(script) as url, going_out() as exit_:
        got = await exit_.send(post(url), Timeouts())
        assert await got.read()
        other = asyncio.create_task(take_turns())
        reads = 0
        while await got.read():
            reads += 1
            assert turns >= reads
        other.cancel()
    assert reads > 3
