"""The other end's address: of every kind of socket, and of none; and the client's behind proxies."""

import asyncio
import socket

import pytest

from tallygate.access.networks import read_networks
from tallygate.api.peer import find_client, find_peer


@pytest.mark.parametrize(("host", "family"), [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)])
def test_an_address_comes_without_its_port(host: str, family: socket.AddressFamily) -> None:
    async def run() -> str:
        with socket.create_server((host, 0), family=family) as listener:
            _, writer = await asyncio.open_connection(host, listener.getsockname()[1])
            peer = find_peer(writer.transport)
            writer.close()
            await writer.wait_closed()
            return peer

    assert asyncio.run(run()) == host


def test_a_socket_in_the_file_system_has_none() -> None:
    async def run() -> str:
        near, far = socket.socketpair()
        with far:
            _, writer = await asyncio.open_connection(sock=near)
            peer = find_peer(writer.transport)
            writer.close()
            await writer.wait_closed()
            return peer

    assert asyncio.run(run()) == ""
    assert find_peer(None) == ""


TRUSTED = read_networks(("10.0.0.0/8", "2001:db8:f::/48"))
PROXY = "10.0.0.1"


def headers(**named: str) -> tuple[tuple[bytes, bytes], ...]:
    names = {"told": b"x-forwarded-for", "again": b"x-forwarded-for", "standard": b"forwarded"}
    return tuple((names[name], value.encode("latin-1")) for name, value in named.items())


@pytest.mark.parametrize("peer", ["192.0.2.9", "127.0.0.1", "", "::1"])
def test_nobody_else_is_believed(peer: str) -> None:
    said = headers(told="127.0.0.1", standard="for=127.0.0.1")
    assert find_client(peer, said, TRUSTED) == peer
    assert find_client(peer, said, ()) == peer


@pytest.mark.parametrize(
    ("said", "client"),
    [
        ({}, PROXY),
        ({"told": "192.0.2.1"}, "192.0.2.1"),
        ({"told": "127.0.0.1, 192.0.2.1"}, "192.0.2.1"),
        ({"told": "127.0.0.1, 192.0.2.1, 10.1.1.1"}, "192.0.2.1"),
        ({"told": "10.3.3.3, 10.2.2.2"}, "10.3.3.3"),
        ({"told": "127.0.0.1", "again": "192.0.2.1"}, "192.0.2.1"),
        ({"told": "192.0.2.1:4711"}, "192.0.2.1"),
        ({"told": "[2001:db8::1]:4711"}, "2001:db8::1"),
        ({"told": "2001:db8::1"}, "2001:db8::1"),
        ({"told": "::ffff:192.0.2.1"}, "192.0.2.1"),
        ({"told": "192.0.2.1, unknown"}, ""),
        ({"told": "unknown, 192.0.2.1"}, "192.0.2.1"),
        ({"told": "192.0.2.1,"}, ""),
        ({"told": "%31"}, ""),
        ({"standard": "for=192.0.2.1;proto=https;by=10.0.0.1"}, "192.0.2.1"),
        ({"standard": 'For="[2001:db8::1]:4711"'}, "2001:db8::1"),
        ({"standard": 'for=127.0.0.1, for="192.0.2.1"'}, "192.0.2.1"),
        ({"standard": 'for="127.0.0.1, for=192.0.2.1"'}, ""),
        ({"standard": "for=_hidden"}, ""),
        ({"standard": "proto=https"}, ""),
        ({"standard": 'for="192.0.2.1'}, ""),
        ({"told": "192.0.2.1", "standard": "for=192.0.2.1"}, "192.0.2.1"),
        ({"told": "192.0.2.1", "standard": "for=127.0.0.1"}, ""),
    ],
)
def test_a_trusted_proxy_is_believed_as_far_as_it_has_seen(said: dict[str, str], client: str) -> None:
    for peer in (PROXY, "::ffff:10.0.0.1", "2001:db8:f::1"):
        assert find_client(peer, headers(**said), TRUSTED) == (client if client != PROXY else peer)
