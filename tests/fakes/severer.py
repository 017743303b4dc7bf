"""A wire to PostgreSQL that can be cut at the one moment that matters: before or after a commit has arrived.

It listens on a Unix socket and forwards every byte, until told otherwise. No test looks at what goes through.
"""

import selectors
import shutil
import socket
import tempfile
import threading
from pathlib import Path
from typing import Self
from urllib.parse import parse_qs, urlsplit

SOCKET_NAME = ".s.PGSQL.5432"
READY_IDLE = b"Z\x00\x00\x00\x05I"
"""ReadyForQuery outside a transaction (https://www.postgresql.org/docs/current/protocol-message-formats.html)."""


class Severer:
    """The wire, for the length of a `with` block. `url` leads through it to the database of the other URL."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._server = str(Path(parse_qs(parts.query)["host"][0]) / SOCKET_NAME)
        self._folder = tempfile.mkdtemp(prefix="tallygate-wire-", dir="/tmp")
        self.url = f"postgresql://postgres@{parts.path}?host={self._folder}"
        self._mode = "forward"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(Path(self._folder) / SOCKET_NAME))
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._listener.listen()
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()
        shutil.rmtree(self._folder)

    def cut_before(self) -> None:
        """What the client sends next does not arrive; the connection is cut instead."""
        self._mode = "before"

    def cut_after(self) -> None:
        """What the client sends next arrives and is done, but the answer does not: the connection is cut instead."""
        self._mode = "after"

    def _start(self, run: object, *values: object) -> None:
        thread = threading.Thread(target=run, args=values)  # pyright: ignore[reportArgumentType]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # the block has ended
                return
            self._start(self._forward, client)

    def _forward(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server, selectors.DefaultSelector() as ready:
            server.connect(self._server)
            ready.register(client, selectors.EVENT_READ, server)
            ready.register(server, selectors.EVENT_READ, client)
            answer = b""
            while True:
                for key, _ in ready.select():
                    data = key.fileobj.recv(65_536)  # pyright: ignore[reportAttributeAccessIssue]
                    if not data:
                        return
                    if key.fileobj is client and self._mode == "before":
                        return
                    if key.fileobj is server and self._mode == "after":
                        answer += data
                        if answer.endswith(READY_IDLE):
                            return
                        continue
                    key.data.sendall(data)
