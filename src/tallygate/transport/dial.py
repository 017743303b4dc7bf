"""From a place to a connection: the look-up of its name, the race of its addresses, TLS.

Several addresses are tried as RFC 8305 says, families in turn and each a little after the one before, because a machine
may have a name in a network that does not reach it. Names are remembered for a few seconds, never longer.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from itertools import chain, zip_longest
from typing import Any, NamedTuple

from tallygate.transport.connection import Connection
from tallygate.transport.request import Place

HEAD_START_S = 0.25
"""How long an address is tried alone before the next one is tried beside it (RFC 8305 section 5)."""

NAME_LIFE_S = 10.0
"""How long the addresses of a name are remembered."""


Judge = Callable[[Place, Sequence[str]], None]
"""Looks at every address of a place before any of them is connected to. Raises what is to be told instead."""


class _Target(NamedTuple):
    family: int
    address: tuple[Any, ...]


class Dialler:
    """Makes connections. `make` gives the protocol of each; `judge` has the last word on where they lead."""

    def __init__(self, make: Callable[[Place], Connection], judge: Judge | None = None) -> None:
        self._make = make
        self._judge = judge
        self._trust: ssl.SSLContext | None = None
        self._names: dict[tuple[str, int], asyncio.Task[list[_Target]]] = {}

    async def dial(self, place: Place) -> Connection:
        """A new connection, its TLS handshake done. Raises: OSError, ssl.SSLError among them; what `judge` raises."""
        loop = asyncio.get_running_loop()
        targets = await self._find(loop, place)
        if self._judge is not None:
            self._judge(place, [target.address[0] for target in targets])
        trust = self._find_trust() if place.secure else None
        name = place.host if place.secure else None
        sock = await _race(loop, targets)
        # The socket is the event loop's from here on, also if this fails.
        _, connection = await loop.create_connection(
            lambda: self._make(place), sock=sock, ssl=trust, server_hostname=name
        )
        return connection

    def _find_trust(self) -> ssl.SSLContext:
        """Whom this machine trusts, or SSL_CERT_FILE; read at the first call that needs it, for that takes a while."""
        if self._trust is None:
            self._trust = ssl.create_default_context()
            self._trust.set_alpn_protocols(["http/1.1"])
        return self._trust

    async def _find(self, loop: asyncio.AbstractEventLoop, place: Place) -> list[_Target]:
        """Every address of a place. Calls that ask at the same time share one look-up."""
        name = (place.host, place.port)
        if (literal := _read_literal(*name)) is not None:
            return [literal]
        asked = self._names.get(name)
        if asked is None:
            asked = self._names[name] = loop.create_task(_look_up(loop, *name))
            asked.add_done_callback(lambda _: self._remember(loop, name))
        # Shielded: who gives up must not end it for the others.
        return await asyncio.shield(asked)

    def _remember(self, loop: asyncio.AbstractEventLoop, name: tuple[str, int]) -> None:
        asked = self._names[name]
        if asked.cancelled() or asked.exception() is not None:
            del self._names[name]
        else:
            loop.call_later(NAME_LIFE_S, self._names.pop, name, None)


async def _look_up(loop: asyncio.AbstractEventLoop, host: str, port: int) -> list[_Target]:
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    families: dict[int, list[_Target]] = {}
    for family, _, _, _, address in found:
        families.setdefault(family, []).append(_Target(family, address))
    return [target for target in chain.from_iterable(zip_longest(*families.values())) if target is not None]


def _read_literal(host: str, port: int) -> _Target | None:
    """An address that is written as such."""
    try:
        version = ip_address(host).version
    except ValueError:
        return None
    return _Target(socket.AF_INET, (host, port)) if version == 4 else _Target(socket.AF_INET6, (host, port, 0, 0))


async def _race(loop: asyncio.AbstractEventLoop, targets: list[_Target]) -> socket.socket:
    """The first address that takes a connection. Raises what the first one failed with if none does."""
    if len(targets) == 1:
        return await _connect(loop, targets[0])
    left = list(reversed(targets))
    running: set[asyncio.Task[socket.socket]] = set()
    failures: list[BaseException] = []
    try:
        while left or running:
            if left:
                running.add(loop.create_task(_connect(loop, left.pop())))
            ended, running = await asyncio.wait(
                running, timeout=HEAD_START_S if left else None, return_when=asyncio.FIRST_COMPLETED
            )
            won = [task for task in ended if task.exception() is None]
            running.update(won[1:])  # two at once: the second is let go below
            if won:
                return won[0].result()
            failures += [error for task in ended if (error := task.exception()) is not None]
        raise failures[0]
    finally:
        for task in running:
            task.add_done_callback(_let_go)
            task.cancel()


def _let_go(task: asyncio.Task[socket.socket]) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()


async def _connect(loop: asyncio.AbstractEventLoop, target: _Target) -> socket.socket:
    sock = socket.socket(target.family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await loop.sock_connect(sock, target.address)
    except BaseException:
        sock.close()
        raise
    return sock
