"""A proxy that does nothing: each client's bytes go to the provider on a connection of their own, and come back.

What any gateway in Python and on this event loop costs at least, so that a figure means something without a peer beside
it. Takes the provider's port; prints its own.
"""

import asyncio
import sys
from typing import cast

import uvloop


class Side(asyncio.Protocol):
    """One end of a pair. What arrives here leaves at the other."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._early: list[bytes] = []
        self.other: Side | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, and send what came before it."""
        self.transport = cast("asyncio.Transport", transport)
        for data in self._early:
            self.transport.write(data)

    def data_received(self, data: bytes) -> None:
        """Hand it on."""
        if self.other is not None:
            self.other.send(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the library's shape
        """One end closes the other."""
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()

    def send(self, data: bytes) -> None:
        """Bytes for this end."""
        if self.transport is None:
            self._early.append(data)
        else:
            self.transport.write(data)


class Front(Side):
    """The end of a client, which opens the one of the provider."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port
        self._opening: asyncio.Task[object] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to open the other end."""
        super().connection_made(transport)
        back = self.other = Side()
        back.other = self
        loop = asyncio.get_running_loop()
        self._opening = loop.create_task(loop.create_connection(lambda: back, "127.0.0.1", self._port))


async def main() -> None:
    """Serve on a free port of this machine until killed."""
    port = int(sys.argv[1])
    server = await asyncio.get_running_loop().create_server(lambda: Front(port), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
