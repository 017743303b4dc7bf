"""What lies inside: a canary that nobody may wake, on every address of this machine, and a guide of the operator's own
that may be called and sends whoever comes where its path says.

Both are served by threads until their block ends. What a canary hears is counted, one connection after another.
"""

import socketserver
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import unquote

T = TypeVar("T", bound=socketserver.TCPServer)

PDF = b"%PDF-1.7 hello"


class Canary(socketserver.ThreadingTCPServer):
    """Listens on every address and counts who comes."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        self.heard: list[Any] = []
        super().__init__(("0.0.0.0", 0), socketserver.BaseRequestHandler)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Note the connection, and end it."""
        self.heard.append(client_address)
        super().process_request(request, client_address)


class Guide(socketserver.StreamRequestHandler):
    """One connection: answers by the path."""

    def handle(self) -> None:
        """Read a head, answer, close."""
        path = self.rfile.readline().split(b" ")[1].decode()
        while self.rfile.readline() not in (b"\r\n", b""):
            pass
        what, _, rest = path.removeprefix("/").partition("/")
        try:
            self._answer(what, unquote(rest))
        except (BrokenPipeError, ConnectionResetError):
            pass  # whoever asked has heard enough

    def _answer(self, what: str, rest: str) -> None:
        match what:
            case "to":
                self._say("302 Found", b"", f"Location: {rest}")
            case "again":
                self._say("302 Found", b"", f"Location: /again/{len(rest) * 'x'}x")
            case "endless":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n%PDF-")
                while True:
                    self.wfile.write(bytes(65_536))
            case "large":
                self._say("200 OK", b"", "Content-Length: 1000000000", length=False)
            case "silent":
                self.rfile.read()
            case "packed":
                self._say("200 OK", PDF, "Content-Encoding: gzip")
            case "page":
                self._say("200 OK", b"<!doctype html><script>alert(1)</script>", "Content-Type: text/html")
            case _:
                self._say("200 OK", PDF, "Content-Type: application/pdf")

    def _say(self, status: str, body: bytes, *lines: str, length: bool = True) -> None:
        told = [
            f"HTTP/1.1 {status}",
            *lines,
            *([f"Content-Length: {len(body)}"] if length else []),
            "Connection: close",
        ]
        self.wfile.write("\r\n".join(told).encode() + b"\r\n\r\n" + body)


@contextmanager
def open_canary() -> Generator[Canary]:
    """A canary, until the block ends."""
    with serving(Canary()) as canary:
        yield canary


@contextmanager
def open_guide() -> Generator[int]:
    """A guide on this machine; its port."""

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with serving(Server(("127.0.0.1", 0), Guide)) as server:
        yield server.server_address[1]


@contextmanager
def serving(server: T) -> Generator[T]:
    """A server in a thread of its own."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
