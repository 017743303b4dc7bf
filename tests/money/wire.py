"""A wire between clients and a gateway that counts requests, and on demand loses the end of an answer.

It carries bytes and resets both ends once a chosen number of bytes of the answer has come through, as networks do. It
lives in threads of the test's own process. `carried` counts the bytes of all answers.
"""

import select
import socket
import struct
import threading
import time
from collections import deque
from contextlib import suppress
from typing import NamedTuple, Self

BLOCK_BYTES = 1 << 16


class Seen(NamedTuple):
    """A request that passed. `at_s`: of the monotonic clock."""

    first_line: str
    at_s: float


class Wire:
    """The wire, for the length of a `with` block. `port` leads through it to the target's."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._cuts: deque[int] = deque()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self.port: int = self._listener.getsockname()[1]
        self.requests: list[Seen] = []
        self.answers: list[Seen] = []
        self.cuts = 0
        self.carried = 0

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def cut_next(self, after_bytes: int) -> None:
        """Reset the next connection once so many bytes of its answer have come through."""
        self._cuts.append(after_bytes)

    def _start(self, run: object, *values: object) -> None:
        thread = threading.Thread(target=run, args=values, daemon=True)  # pyright: ignore[reportArgumentType]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self._start(self._carry, near, self._cuts.popleft() if self._cuts else None)

    def _carry(self, near: socket.socket, left: int | None) -> None:
        """One connection to its end. One thread for both ways: a socket that somebody reads cannot be reset."""
        with near, socket.create_connection(("127.0.0.1", self._target)) as far, suppress(OSError):
            while True:
                for source in select.select([near, far], [], [])[0]:
                    if not (data := source.recv(BLOCK_BYTES)):
                        return
                    if source is near:
                        self._count(data, self.requests)
                        far.sendall(data)
                    elif left is not None and len(data) >= left:
                        self._cut(near, far, data[:left])
                        return
                    else:
                        self._count(data, self.answers)
                        # Before they are sent: who has them all must find them counted.
                        self.carried += len(data)
                        near.sendall(data)
                        left = None if left is None else left - len(data)

    def _count(self, data: bytes, seen: list[Seen]) -> None:
        """What begins like a message of HTTP is one."""
        if data.startswith((b"POST ", b"GET ", b"HTTP/1.1 ")):
            seen.append(Seen(data.split(b"\r\n")[0].decode(), time.monotonic()))

    def _cut(self, near: socket.socket, far: socket.socket, last: bytes) -> None:
        near.sendall(last)
        for end in (near, far):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.cuts += 1
