"""TLS: whom the way out believes, what it says of itself, and that a cut connection is not a farewell."""

import os
import socket
import ssl
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from tallygate.errors import ProviderTimeout, ProviderUnreachable, StreamBroken
from tallygate.transport.base import Timeouts
from tests.transport.authority import Authority
from tests.transport.wire import Line, answer, assert_ours, going_out, post, read_all, serving

pytestmark = pytest.mark.anyio

UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\n\r\nhello"


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """One that this process trusts, and nobody else does."""
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.trusted))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    return made


async def say_hello(line: Line) -> None:
    while True:
        await line.hear()
        await line.say(answer(b"private"))


async def test_a_trusted_name_is_called_and_the_connection_serves_again(authority: Authority) -> None:
    used: list[int] = []

    async def script(line: Line) -> None:
        while True:
            await line.hear()
            used.append(line.number)
            await line.say(answer(b"x" * 300_000))

    async with serving(script, authority.identify("localhost")) as url, going_out() as exit_:
        for _ in range(3):
            got = await exit_.send(post(url.replace("127.0.0.1", "localhost")), Timeouts())
            assert await read_all(got) == b"x" * 300_000
    assert used == [1, 1, 1]


@pytest.mark.parametrize("case", ["expired", "wrong name", "signed by itself", "nobody's authority"])
async def test_a_certificate_that_is_not_good_is_refused_in_plain_words(
    authority: Authority, case: str, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other")
    own = Path(__file__).parent / "tls"
    identity = {
        "expired": lambda: authority.identify("127.0.0.1", lasts=-timedelta(days=1)),
        "wrong name": lambda: authority.identify("example.com"),
        "signed by itself": lambda: ssl.create_default_context(ssl.Purpose.CLIENT_AUTH),
        "nobody's authority": lambda: stranger.identify("127.0.0.1"),
    }[case]()
    if case == "signed by itself":
        identity.load_cert_chain(own / "certificate.pem", own / "key.pem")
    async with serving(say_hello, identity) as url, going_out() as exit_:
        with pytest.raises(ProviderUnreachable, match="certificate is not valid") as caught:
            await exit_.send(post(url), Timeouts())
        assert_ours(caught.value.message)


async def test_it_speaks_http_1_and_names_whom_it_calls(authority: Authority) -> None:
    spoken: list[str | None] = []
    identity = authority.identify("localhost")
    identity.set_alpn_protocols(["h2", "http/1.1"])
    named: list[str | None] = []
    identity.sni_callback = lambda _socket, name, _context: named.append(name)

    async def script(line: Line) -> None:
        await line.hear()
        spoken.append(line.agreed_protocol)
        await line.say(answer(b""))

    async with serving(script, identity) as url, going_out() as exit_:
        await exit_.send(post(url.replace("127.0.0.1", "localhost")), Timeouts())
    assert spoken == ["http/1.1"]
    assert named == ["localhost"]


async def test_a_body_until_the_end_ends_with_a_farewell(authority: Authority) -> None:
    async def script(line: Line) -> None:
        await line.hear()
        await line.say(UNTIL_CLOSE)
        line.hang_up()

    async with serving(script, authority.identify("127.0.0.1")) as url, going_out() as exit_:
        assert await read_all(await exit_.send(post(url), Timeouts())) == b"hello"


async def test_a_body_until_the_end_without_a_farewell_is_broken(authority: Authority) -> None:
    """Whoever can cut the wire could else make any part of an answer look like the whole."""
    identity = authority.identify("127.0.0.1")

    def serve() -> None:
        with listener.accept()[0] as plain:
            secure = identity.wrap_socket(plain, server_side=True, suppress_ragged_eofs=True)
            secure.recv(65_536)
            secure.sendall(UNTIL_CLOSE)
            read.wait(10)
            os.close(secure.detach())

    read = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve)
        server.start()
        async with going_out() as exit_:
            got = await exit_.send(post(f"https://127.0.0.1:{listener.getsockname()[1]}"), Timeouts())
            assert await got.read() == b"hello"
            read.set()
            with pytest.raises(StreamBroken):
                await got.read()
        server.join(10)


async def test_a_handshake_that_does_not_end_ends_in_the_time_for_connecting(authority: Authority) -> None:
    async def script(line: Line) -> None:
        await line.hear_end()

    async with serving(script) as url, going_out() as exit_:
        with pytest.raises(ProviderTimeout, match="No connection"):
            await exit_.send(post(url.replace("http:", "https:")), Timeouts(connect_ms=200))
