"""Large requests: a provider may answer before it has all of one, or never take it."""

import asyncio

import pytest

from tallygate.errors import ProviderTimeout, UpstreamError
from tallygate.transport.base import Timeouts
from tests.transport.wire import Line, answer, going_out, post, read_all, serving

pytestmark = pytest.mark.anyio

LARGE = bytes(range(256)) * 4096 * 8  # 8 MiB


async def test_a_large_body_arrives_as_it_is() -> None:
    heard: list[bytes] = []

    async def script(line: Line) -> None:
        heard.append((await line.hear())[1])
        await line.say(answer(b"ok"))

    async with serving(script) as url, going_out() as exit_:
        assert await read_all(await exit_.send(post(url, LARGE), Timeouts())) == b"ok"
    assert heard == [LARGE]


async def test_a_connection_serves_again_after_a_large_body() -> None:
    used: list[int] = []

    async def script(line: Line) -> None:
        while True:
            await line.hear()
            used.append(line.number)
            await line.say(answer(b"ok"))

    async with serving(script) as url, going_out() as exit_:
        for body in (LARGE, b"{}", LARGE):
            assert await read_all(await exit_.send(post(url, body), Timeouts())) == b"ok"
    assert used == [1, 1, 1]


async def test_an_answer_before_the_end_of_the_request_is_read_and_the_connection_closed() -> None:
    """413: the provider has seen the length, and does not take the rest."""
    used: list[int] = []

    async def script(line: Line) -> None:
        used.append(line.number)
        await line.say(answer(b"too large", status="413 Content Too Large"))
        await line.hear_end()

    async with serving(script) as url, going_out() as exit_:
        for _ in range(2):
            got = await exit_.send(post(url, LARGE), Timeouts())
            assert got.status == 413
            assert await read_all(got) == b"too large"
    assert used == [1, 2]


async def test_interim_answers_do_not_stop_an_upload() -> None:
    async def script(line: Line) -> None:
        await line.say(b"HTTP/1.1 100 Continue\r\n\r\n")
        _, body = await line.hear()
        await line.say(answer(b"%d" % len(body)))

    async with serving(script) as url, going_out() as exit_:
        assert await read_all(await exit_.send(post(url, LARGE), Timeouts())) == b"%d" % len(LARGE)


async def test_a_provider_that_goes_away_in_the_middle_of_a_request_has_not_answered() -> None:
    async def script(line: Line) -> None:
        line.tear_down()

    async with serving(script) as url, going_out() as exit_:
        with pytest.raises(UpstreamError):
            await exit_.send(post(url, LARGE), Timeouts())


async def test_an_upload_that_stalls_is_bounded() -> None:
    left = asyncio.Event()

    async def script(_: Line) -> None:
        await left.wait()

    async with serving(script) as url, going_out() as exit_:
        with pytest.raises(ProviderTimeout, match="did not begin to answer"):
            await exit_.send(post(url, LARGE * 4), Timeouts(first_byte_ms=100))
        left.set()
