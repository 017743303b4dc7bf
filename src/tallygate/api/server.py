"""The server under the doors, and the only file that names it: an ASGI server on a socket that is already open.

Framing, keep-alive and the event loop are its business. Whoever replaces it changes this file and `asgi.py`.
"""

import signal
import socket
from collections.abc import Callable

import uvicorn

from tallygate.api.asgi import Doors

DRAIN_S = 30
"""How long running answers may take to end once the gateway was told to stop."""
KEEP_ALIVE_S = 75
BACKLOG = 2048


class Server(uvicorn.Server):
    """Uvicorn, which says when it is ready."""

    def __init__(self, config: uvicorn.Config, opened: Callable[[], None]) -> None:
        super().__init__(config)
        self._opened = opened

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, then say so."""
        await super().startup(sockets)
        if self.started:
            self._opened()


def run_server(doors: Doors, listener: socket.socket, opened: Callable[[], None]) -> None:
    """Serve on `listener` until SIGTERM or SIGINT, then let running answers end. `opened` is called once when ready."""
    config = uvicorn.Config(
        doors,
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=DRAIN_S,
        backlog=BACKLOG,
    )
    # The server raises the signal that stopped it once more when it is done; by then all is well and the exit is 0.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _ignore)
    Server(config, opened).run(sockets=[listener])


def _ignore(*_: object) -> None:
    return
