"""The other end's address: of every kind of socket, and of none."""

import asyncio
import socket

import pytest

from tallygate.api.peer import find_peer


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
