"""Fetching for callers, over real sockets: what comes is bounded, and nothing inside is ever called."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from tallygate.errors import MediaTimeout, MediaTooLarge, MediaUnavailable, TallygateError, UrlNotAllowed
from tallygate.transport.base import OutgoingRequest, Timeouts
from tallygate.transport.fetch import REDIRECTS_MAX, Fetcher, find_media_type
from tallygate.transport.http import HttpExit
from tallygate.transport.request import Place
from tallygate.transport.settings import FetchSettings, TransportSettings
from tests.transport.wire import Line, Script, answer, serving

pytestmark = pytest.mark.anyio

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


def settings(*urls: str, bytes_max: int = 4096, total_ms: int = 60_000, urls_max: int = 5) -> FetchSettings:
    """Those that let the servers at `urls` be called."""
    allow = tuple(url.removeprefix("http://") for url in urls)
    return FetchSettings(allow=allow, bytes_max=bytes_max, total_ms=total_ms, urls_max=urls_max)


@asynccontextmanager
async def fetching(given: FetchSettings, own_url: str = "") -> AsyncGenerator[Fetcher]:
    fetcher = Fetcher(given, TransportSettings(), own_url=own_url)
    try:
        yield fetcher
    finally:
        await fetcher.close()


async def fail(fetcher: Fetcher, *urls: str) -> TallygateError:
    with pytest.raises(TallygateError) as failed:
        await fetcher.fetch_all(urls)
    return failed.value


def saying(data: bytes) -> Script:
    async def script(line: Line) -> None:
        while True:
            await line.hear()
            await line.say(data)

    return script


def leading_to(url: str, status: int = 302) -> bytes:
    return f"HTTP/1.1 {status} Found\r\nLocation: {url}\r\nContent-Length: 0\r\n\r\n".encode()


async def test_what_is_fetched_is_known_by_its_bytes_and_nothing_of_ours_is_told() -> None:
    heads: list[str] = []

    async def script(line: Line) -> None:
        while True:
            head, _ = await line.hear()
            heads.append(head)
            await line.say(answer(PNG, "Content-Type: text/plain"))

    async with serving(script) as url, fetching(settings(url)) as fetcher:
        found = await fetcher.fetch_all([f"{url}/a", f"{url}/b"])
    assert {(item.media_type, item.data) for item in found.values()} == {("image/png", PNG)}
    assert [head.partition(" HTTP")[0] for head in heads] == ["GET /a", "GET /b"]
    names = {line.partition(":")[0].lower() for head in heads for line in head.strip().split("\r\n")[1:]}
    assert names == {"host", "user-agent", "accept-encoding", "accept"}


async def test_what_the_bytes_do_not_tell_the_server_may() -> None:
    async with (
        serving(saying(answer(b"words", "Content-Type: Audio/MPEG; x=y"))) as url,
        fetching(settings(url)) as fetcher,
    ):
        (found,) = (await fetcher.fetch_all([url])).values()
    assert found.media_type == "audio/mpeg"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_followed_where_it_may_lead(status: int) -> None:
    async with (
        serving(saying(answer(PNG))) as there,
        serving(saying(leading_to(f"{there}/x", status))) as here,
        fetching(settings(here, there)) as fetcher,
    ):
        assert (await fetcher.fetch_all([here]))[here].data == PNG


@pytest.mark.parametrize(
    "target",
    [
        "{inside}/x",
        "//{place}/x",
        "file:///etc/passwd",
        "http://user@good.example/",
        "http://[::1]:80/",
        "\\\\x",
        "http://[",
    ],
)
async def test_a_redirect_leads_nowhere_inside(target: str) -> None:
    called: list[int] = []

    async def canary(line: Line) -> None:
        called.append(line.number)
        await line.hear_end()

    async with serving(canary) as inside:
        to = target.format(inside=inside, place=inside.removeprefix("http://"))
        async with serving(saying(leading_to(to))) as here, fetching(settings(here)) as fetcher:
            assert isinstance(await fail(fetcher, here), UrlNotAllowed)
    assert not called


async def test_redirects_come_to_an_end() -> None:
    asked: list[int] = []

    async def script(line: Line) -> None:
        while True:
            await line.hear()
            asked.append(line.number)
            await line.say(leading_to("/again"))

    async with serving(script) as url, fetching(settings(url)) as fetcher:
        assert isinstance(await fail(fetcher, url), UrlNotAllowed)
    assert len(asked) == 1 + REDIRECTS_MAX


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"800\r\n" + b"x" * 2048 + b"\r\n" * 1,
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
    ],
    ids=["told", "in chunks", "until the end"],
)
async def test_no_more_is_read_than_may_be(said: bytes) -> None:
    async def script(line: Line) -> None:
        await line.hear()
        await line.say(said)
        chunk = b"800\r\n" + b"x" * 2048 + b"\r\n" if b"chunked" in said else b"x" * 2048
        try:
            while True:
                await line.say(chunk)
        except ConnectionError:
            pass

    async with serving(script) as url, fetching(settings(url)) as fetcher:
        assert isinstance(await fail(fetcher, url), MediaTooLarge)


async def test_the_limit_is_for_all_urls_together() -> None:
    half = answer(PNG.ljust(600, b"\0"))
    async with serving(saying(half)) as url, fetching(settings(url, bytes_max=1024)) as fetcher:
        assert len(await fetcher.fetch_all([f"{url}/a"])) == 1
        assert isinstance(await fail(fetcher, f"{url}/a", f"{url}/b"), MediaTooLarge)


async def test_too_many_urls_are_refused_before_any_is_called() -> None:
    async with fetching(settings(urls_max=2)) as fetcher:
        assert isinstance(await fail(fetcher, "http://127.0.0.1/", "b", "c"), MediaTooLarge)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"])
async def test_what_does_not_come_in_time_is_not_waited_for(said: bytes) -> None:
    async with serving(saying(said)) as url, fetching(settings(url, total_ms=100)) as fetcher:
        assert isinstance(await fail(fetcher, url), MediaTimeout)


@pytest.mark.parametrize(
    "said",
    [
        answer(b"no", status="404 Not Found"),
        answer(PNG, "Content-Encoding: gzip"),
        b"nonsense\r\n\r\n",
    ],
)
async def test_what_cannot_be_used_is_told_without_its_words(said: bytes) -> None:
    async with serving(saying(said)) as url, fetching(settings(url)) as fetcher:
        error = await fail(fetcher, url)
    assert isinstance(error, MediaUnavailable)
    assert url not in error.message


async def test_a_gateway_fetches_nothing_from_itself() -> None:
    async with fetching(FetchSettings(), own_url="https://gate.example/x") as fetcher:
        assert isinstance(await fail(fetcher, "https://GATE.example/v1/models"), UrlNotAllowed)


async def test_a_name_is_judged_by_all_its_addresses_before_any_is_connected_to() -> None:
    judged: list[tuple[Place, list[str]]] = []
    connected: list[int] = []

    def judge(place: Place, addresses: object) -> None:
        judged.append((place, list(addresses)))  # pyright: ignore[reportArgumentType]
        raise UrlNotAllowed

    async def canary(line: Line) -> None:
        connected.append(line.number)
        await line.hear_end()

    async with serving(canary) as url:
        port = int(url.rpartition(":")[2])
        exit_ = HttpExit(TransportSettings(), judge=judge)
        with pytest.raises(UrlNotAllowed):
            await exit_.send(OutgoingRequest("GET", f"http://localhost:{port}/", (), b""), Timeouts())
        await exit_.close()
    ((place, addresses),) = judged
    assert place == Place(False, "localhost", port)
    assert "127.0.0.1" in addresses
    assert not connected


async def test_a_name_that_leads_inside_is_refused() -> None:
    """As `localhost` would be, if the strict look at names let it pass."""
    fetcher = Fetcher(FetchSettings(), TransportSettings())
    with pytest.raises(UrlNotAllowed):
        await fetcher._ask("http://localhost/")
    await fetcher.close()


async def test_several_calls_fetch_at_the_same_time() -> None:
    async with serving(saying(answer(PNG))) as url, fetching(settings(url)) as fetcher:
        found = await asyncio.gather(*(fetcher.fetch_all([url]) for _ in range(5)))
    assert all(item[url].data == PNG for item in found)


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
        (b"RIFF\0\0\0\0AVI ", ""),
        (b"%PDF-1.7", "application/pdf"),
        (b"<svg", ""),
        (b"<!doctype html>", ""),
        (b"", ""),
    ],
)
async def test_media_are_known_by_how_they_begin(data: bytes, media_type: str) -> None:
    assert find_media_type(data[:16]) == media_type
