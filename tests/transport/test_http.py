"""The way out against providers made of bytes: well-formed, torn, lying, unreachable."""

import asyncio
import ssl
from pathlib import Path

import pytest

from tallygate.errors import InvalidAnswer, ProviderUnreachable, ShuttingDown, StreamBroken
from tallygate.transport.base import OutgoingRequest, Timeouts
from tallygate.transport.http import HttpAnswer, HttpExit
from tests.transport.wire import Line, answer, assert_ours, going_out, post, read_all, serving, until, unused_port

pytestmark = pytest.mark.anyio

OK = "HTTP/1.1 200 OK\r\n"
TLS = Path(__file__).parent / "tls"


async def test_sends_the_request_as_it_is_and_nothing_of_its_own_beyond_what_is_named() -> None:
    heard: list[tuple[str, bytes]] = []

    async def script(line: Line) -> None:
        heard.append(await line.hear())
        await line.say(answer(b"{}"))

    async with serving(script) as url, going_out() as exit_:
        request = OutgoingRequest(
            "POST", f"{url}/a%2Fb/c?x=%2F", (("content-type", "application/json"), ("x-api-key", "k")), b'{"a": 1}'
        )
        assert await read_all(await exit_.send(request, Timeouts())) == b"{}"
    head, body = heard[0]
    line, *headers = head.strip().split("\r\n")
    assert line == "POST /a%2Fb/c?x=%2F HTTP/1.1"
    assert body == b'{"a": 1}'
    named = {header.split(":")[0].lower(): header.split(":", 1)[1].strip() for header in headers}
    assert named.pop("user-agent").startswith("tallygate/")
    assert named.pop("host") == url.removeprefix("http://")
    assert named == {
        "content-type": "application/json",
        "x-api-key": "k",
        "accept-encoding": "identity",
        "content-length": "8",
    }


@pytest.mark.parametrize(
    ("said", "status", "body"),
    [
        (answer(b"hello"), 200, b"hello"),
        (answer(b""), 200, b""),
        (answer(b"no", status="429 Too Many Requests"), 429, b"no"),
        (answer(b"x", "location: http://127.0.0.1:9/", status="302 Found"), 302, b"x"),
        (answer(b"x", "content-encoding: identity"), 200, b"x"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + answer(b"late"), 200, b"late"),
        (f"{OK}transfer-encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n".encode(), 200, b"abcde"),
        (f"{OK}transfer-encoding: chunked\r\n\r\n2;ext=1\r\nab\r\n0\r\ntrailer: x\r\n\r\n".encode(), 200, b"ab"),
        (f"{OK}connection: close\r\n\r\nuntil the end".encode(), 200, b"until the end"),
        (b"HTTP/1.0 200 OK\r\n\r\nold", 200, b"old"),
    ],
)
async def test_reads_an_answer_to_its_clean_end(said: bytes, status: int, body: bytes) -> None:
    async def script(line: Line) -> None:
        await line.hear()
        await line.say(said)

    async with serving(script) as url, going_out() as exit_:
        got = await exit_.send(post(url), Timeouts())
        assert got.status == status
        assert await read_all(got) == body
        assert await got.read() == b""
        got.close()
        assert await got.read() == b""


@pytest.mark.parametrize(
    ("said", "before"),
    [
        (f"{OK}content-length: 10\r\n\r\nabc".encode(), b"abc"),
        (f"{OK}content-length: 10\r\n\r\n".encode(), b""),
        (f"{OK}transfer-encoding: chunked\r\n\r\n2\r\nab\r\n".encode(), b"ab"),
        (f"{OK}transfer-encoding: chunked\r\n\r\n5\r\nab".encode(), b"ab"),
        (f"{OK}transfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n".encode(), b"ab"),
        (f"{OK}transfer-encoding: chunked\r\n\r\n2\r\nab\r\nzz\r\ncd\r\n0\r\n\r\n".encode(), b"ab"),
        (f"{OK}transfer-encoding: chunked\r\n\r\n2\r\nabcdef\r\n0\r\n\r\n".encode(), b"ab"),
        (f"{OK}transfer-encoding: chunked\r\n\r\n-1\r\nab\r\n0\r\n\r\n".encode(), b""),
        (f"{OK}transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\nab".encode(), b""),
    ],
)
@pytest.mark.parametrize("ending", ["hang_up", "tear_down"])
@pytest.mark.parametrize("paused", [False, True])
async def test_an_early_end_is_told_apart_after_what_came(
    said: bytes, before: bytes, ending: str, paused: bool
) -> None:
    """`paused`: nobody reads while the break happens, as when the client is slow."""
    begun, arrived = asyncio.Event(), asyncio.Event()
    head, body = said[: said.index(b"\r\n\r\n") + 4], said[said.index(b"\r\n\r\n") + 4 :]

    async def script(line: Line) -> None:
        await line.hear()
        await line.say(head)
        await begun.wait()
        await line.say(body)
        await arrived.wait()  # an abort would throw away what is still on its way
        getattr(line, ending)()

    async with serving(script) as url, going_out() as exit_:
        got = await exit_.send(post(url), Timeouts())
        assert isinstance(got, HttpAnswer)
        connection = got._connection
        assert connection is not None
        begun.set()
        await until(lambda: connection._unread_bytes == len(body))
        arrived.set()
        if paused:
            await until(lambda: connection.lost)
        received = b""
        with pytest.raises(StreamBroken):  # noqa: PT012
            while True:
                data = await got.read()
                assert data, "a broken answer looked finished"
                received += data
        assert received == before
        with pytest.raises(StreamBroken):
            await got.read()
        got.close()


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"hello\r\n\r\n",
        b"HTTP/1.1 banana OK\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        f"{OK}content-length: 3\r\ncontent-length: 5\r\n\r\nabcde".encode(),
        f"{OK}content-length: -1\r\n\r\n".encode(),
        f"{OK}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".encode(),
        f"{OK}x: {'y' * 20_000}\r\n\r\n".encode(),
        (OK + "".join(f"x{n}: y\r\n" for n in range(200)) + "\r\n").encode(),
        f"{OK}x{'y' * 20_000}: y\r\n\r\n".encode(),
        f"{OK}bad header\r\n\r\n".encode(),
        f"{OK}x: a\0b\r\n\r\n".encode(),
    ],
    ids=lambda said: repr(said[:60]),
)
async def test_what_is_not_an_http_answer_is_refused(said: bytes) -> None:
    async def script(line: Line) -> None:
        await line.hear()
        await line.say(said)
        await line.hear_end()

    async with serving(script) as url, going_out() as exit_:
        with pytest.raises(InvalidAnswer) as caught:
            await exit_.send(post(url), Timeouts())
        assert_ours(caught.value.message)


@pytest.mark.parametrize("ending", ["hang_up", "tear_down"])
async def test_a_provider_that_leaves_without_an_answer_is_unreachable(ending: str) -> None:
    async def script(line: Line) -> None:
        await line.hear()
        getattr(line, ending)()

    async with serving(script) as url, going_out() as exit_:
        with pytest.raises(ProviderUnreachable, match="closed the connection without an answer") as caught:
            await exit_.send(post(url), Timeouts())
        assert_ours(caught.value.message)


@pytest.mark.parametrize(
    "encoding", ["content-encoding: gzip", "Content-Encoding: BR", "transfer-encoding: gzip, chunked"]
)
async def test_an_encoding_nobody_asked_for_is_refused_when_the_body_is_read(encoding: str) -> None:
    async def script(line: Line) -> None:
        await line.hear()
        chunked = "transfer" in encoding
        length = "" if chunked else "content-length: 5\r\n"
        await line.say(f"{OK}{encoding}\r\n{length}\r\n".encode())
        await line.say(b"5\r\nabcde\r\n0\r\n\r\n" if chunked else b"abcde")

    async with serving(script) as url, going_out() as exit_:
        got = await exit_.send(post(url), Timeouts())
        with pytest.raises(InvalidAnswer, match="compressed"):
            await got.read()
        with pytest.raises(InvalidAnswer, match="compressed"):
            await got.read()


async def test_bytes_are_handed_over_as_they_arrive() -> None:
    """Each piece is only sent once the one before it has been read here: buffering would wait for ever."""
    read = asyncio.Semaphore(0)

    async def script(line: Line) -> None:
        await line.hear()
        await line.say(f"{OK}transfer-encoding: chunked\r\n\r\n".encode())
        await read.acquire()
        for _ in range(3):
            await line.say(b"1\r\nx\r\n")
            await read.acquire()
        await line.say(b"0\r\n\r\n")

    async with serving(script) as url, going_out() as exit_:
        got = await exit_.send(post(url), Timeouts())
        read.release()
        for _ in range(3):
            assert await got.read() == b"x"
            read.release()
        assert await got.read() == b""


async def test_an_endless_answer_waits_for_a_reader_that_waits() -> None:
    sent = 0
    stuck = asyncio.Event()

    async def script(line: Line) -> None:
        nonlocal sent
        await line.hear()
        await line.say(f"{OK}\r\n".encode())
        while True:
            try:
                async with asyncio.timeout(0.5):
                    await line.say(b"x" * 65536)
            except TimeoutError:
                stuck.set()
                return
            sent += 65536

    async with serving(script) as url, going_out() as exit_:
        got = await exit_.send(post(url), Timeouts())
        await stuck.wait()
        got.close()
    assert sent < 32 * 1024 * 1024


async def test_cookies_and_redirects_are_nobody_s_business() -> None:
    heads: list[str] = []

    async def script(line: Line) -> None:
        while True:
            head, _ = await line.hear()
            heads.append(head)
            await line.say(answer(b"", "set-cookie: a=b", f"location: http://{_host(head)}/else", status="307 Again"))

    async with serving(script) as url, going_out() as exit_:
        for _ in range(2):
            got = await exit_.send(post(url), Timeouts())
            assert got.status == 307
            assert await read_all(got) == b""
    assert len(heads) == 2
    assert all("cookie" not in head.lower() for head in heads)
    assert all("/else" not in head for head in heads)


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{unused_port()}")

    async def script(line: Line) -> None:
        await line.hear()
        await line.say(answer(b"direct"))

    async with serving(script) as url, going_out() as exit_:
        assert await read_all(await exit_.send(post(url), Timeouts())) == b"direct"


async def test_a_connection_serves_again_only_after_a_clean_end() -> None:
    used: list[int] = []

    async def script(line: Line) -> None:
        while True:
            await line.hear()
            used.append(line.number)
            await line.say(answer(b"x" * 400_000))

    async with serving(script) as url, going_out() as exit_:
        for _ in range(2):
            await read_all(await exit_.send(post(url), Timeouts()))
        got = await exit_.send(post(url), Timeouts())
        await got.read()
        got.close()
        with pytest.raises(StreamBroken):
            await got.read()
        await read_all(await exit_.send(post(url), Timeouts()))
    assert used == [1, 1, 1, 2]


async def test_a_surplus_answer_never_reaches_the_next_caller() -> None:
    read = asyncio.Event()

    async def script(line: Line) -> None:
        await line.hear()
        await line.say(answer(b"mine"))
        if line.number == 1:
            await read.wait()
            await line.say(answer(b"surplus"))
        await line.hear_end()

    async with serving(script) as url, going_out() as exit_:
        assert isinstance(exit_, HttpExit)
        first = await exit_.send(post(url), Timeouts())
        assert await read_all(first) == b"mine"
        read.set()
        pool = exit_._pool
        assert pool is not None
        await until(lambda: any(connection._unread for idle in pool._idle.values() for connection in idle))
        second = await exit_.send(post(url), Timeouts())
        assert await read_all(second) == b"mine"


async def test_nobody_listens() -> None:
    async with going_out() as exit_:
        with pytest.raises(ProviderUnreachable, match="refused the connection") as caught:
            await exit_.send(post(f"http://127.0.0.1:{unused_port()}"), Timeouts())
        assert_ours(caught.value.message)


async def test_a_name_that_does_not_exist() -> None:
    async with going_out() as exit_:
        with pytest.raises(ProviderUnreachable, match="name could not be looked up") as caught:
            await exit_.send(post("http://nowhere.invalid"), Timeouts())
        assert_ours(caught.value.message)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "http://", "nonsense", "http://[::1", "file:///etc/passwd"])
async def test_an_address_that_is_none(url: str) -> None:
    async with going_out() as exit_:
        with pytest.raises(ProviderUnreachable, match="not one that can be called"):
            await exit_.send(post(url), Timeouts())


@pytest.mark.parametrize(
    ("trusted", "host", "outcome"),
    [
        (False, "127.0.0.1", "certificate is not valid"),
        (True, "localhost", "certificate is not valid"),
        (True, "127.0.0.1", ""),
    ],
)
async def test_a_certificate_must_be_trusted_and_bear_the_name(
    monkeypatch: pytest.MonkeyPatch, trusted: bool, host: str, outcome: str
) -> None:
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "certificate.pem"))
    identity = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    identity.load_cert_chain(TLS / "certificate.pem", TLS / "key.pem")

    async def script(line: Line) -> None:
        await line.hear()
        await line.say(answer(b"private"))

    async with serving(script, identity) as url, going_out() as exit_:
        request = post(url.replace("127.0.0.1", host))
        if not outcome:
            assert await read_all(await exit_.send(request, Timeouts())) == b"private"
            return
        with pytest.raises(ProviderUnreachable, match=outcome) as caught:
            await exit_.send(request, Timeouts())
        assert_ours(caught.value.message)


async def test_no_secure_connection_to_a_plain_server() -> None:
    async def script(line: Line) -> None:
        await line.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await line.hear_end()

    async with serving(script) as url, going_out() as exit_:
        with pytest.raises(ProviderUnreachable, match="secure connection") as caught:
            await exit_.send(post(url.replace("http:", "https:")), Timeouts())
        assert_ours(caught.value.message)


async def test_a_closed_exit_sends_nothing() -> None:
    exit_ = HttpExit()
    await exit_.close()
    with pytest.raises(ShuttingDown):
        await exit_.send(post("http://127.0.0.1:9"), Timeouts())


async def test_repeated_headers_are_joined_and_names_are_lower_case() -> None:
    async def script(line: Line) -> None:
        await line.hear()
        await line.say(answer(b"", "Retry-After: 3", "X-A: 1", "x-a: 2"))

    async with serving(script) as url, going_out() as exit_:
        got = await exit_.send(post(url), Timeouts())
        assert got.headers["retry-after"] == "3"
        assert got.headers["x-a"] == "1, 2"


def _host(head: str) -> str:
    return next(line.split(": ")[1] for line in head.split("\r\n") if line.lower().startswith("host"))
