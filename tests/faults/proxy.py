"""The wire proxy: carries bytes between two ends, and harms them in one chosen way per port.

It knows nothing of HTTP. Each toxic has a port of its own, so that a gateway's configuration can name it and calls
through different ones run at once. A process of its own: a slow reader here must not slow the one who measures.

    python -m tests.faults.proxy --target PORT
"""

import argparse
import asyncio
import contextlib
import json
import sys
from typing import NamedTuple

from tests.faults.exchange import reset

BLOCK_BYTES = 1 << 16


class Toxic(NamedTuple):
    """How one direction is harmed. `after_bytes` go through before `then` happens: cut, reset, or hold for ever.

    `delay_s` is waited before each write, `slice_bytes` is the largest write.
    """

    after_bytes: int | None = None
    then: str = ""
    delay_s: float = 0.0
    slice_bytes: int = BLOCK_BYTES


class Link(NamedTuple):
    """The toxics of both directions: up is towards the target."""

    up: Toxic = Toxic()
    down: Toxic = Toxic()
    dead: bool = False


LINKS: dict[str, Link] = {
    "plain": Link(),
    "latency": Link(Toxic(delay_s=0.05), Toxic(delay_s=0.05)),
    "slow": Link(down=Toxic(delay_s=0.005, slice_bytes=64)),
    "slicer": Link(Toxic(slice_bytes=7), Toxic(slice_bytes=3)),
    "cut-head": Link(down=Toxic(0, "cut")),
    "cut": Link(down=Toxic(620, "cut")),
    "reset": Link(down=Toxic(620, "reset")),
    "half-open": Link(down=Toxic(620, "hold")),
    "half-open-up": Link(up=Toxic(100, "hold")),
    "black-hole": Link(dead=True),
}
"""By name. 620 bytes are more than a head and less than an answer; 100 are less than a request."""


class Proxy:
    """Ports in front of one target."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._servers: list[asyncio.Server] = []
        self.ports: dict[str, int] = {}

    async def open(self) -> None:
        """One port for each link."""
        for name, link in LINKS.items():

            async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: Link = link) -> None:
                await self._carry(link, reader, writer)

            server = await asyncio.start_server(carry, "127.0.0.1", 0)
            self._servers.append(server)
            self.ports[name] = server.sockets[0].getsockname()[1]

    async def _carry(self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if link.dead:
            await asyncio.Event().wait()
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            reset(writer)
            return
        both = {
            asyncio.ensure_future(_pump(link.up, reader, far_writer)),
            asyncio.ensure_future(_pump(link.down, far_reader, writer)),
        }
        # A direction that has ended ends the other: nobody here speaks to half a connection.
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for task in both:
            task.cancel()
        await asyncio.wait(both)
        harsh = any(not task.cancelled() and task.result() == "reset" for task in both)
        for end in (writer, far_writer):
            if harsh:
                reset(end)
            else:
                end.close()


async def _pump(toxic: Toxic, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    """Carry one direction until it ends; how it did: end, cut or reset."""
    left = toxic.after_bytes
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(BLOCK_BYTES):
            allowed = data if left is None else data[:left]
            for place in range(0, len(allowed), toxic.slice_bytes):
                if toxic.delay_s:
                    await asyncio.sleep(toxic.delay_s)
                writer.write(allowed[place : place + toxic.slice_bytes])
                await writer.drain()
                await asyncio.sleep(0)  # or the slices would leave as one
            if left is not None:
                left -= len(allowed)
                if left == 0 and toxic.then == "hold":
                    await asyncio.Event().wait()
                if left == 0:
                    return toxic.then
    return "end"


async def main() -> None:
    """Open the ports, say where they are, and serve until stopped."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--target", type=int, required=True)
    proxy = Proxy(parser.parse_args().target)
    await proxy.open()
    sys.stdout.write(f"links {json.dumps(proxy.ports)}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
