"""A way out without sockets: an `Exit` that plays scripted answers, and a client that keeps what it is sent.

Real implementations of the two interfaces, for tests of what lies between them. What a socket does to bytes is tested
over real ones, in tests/transport and tests/contract.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct, field

from tallygate.errors import MediaTooLarge, TallygateError
from tallygate.transport.base import OutgoingRequest, Timeouts
from tallygate.transport.fetch import Fetched

SSE = {"content-type": "text/event-stream"}
JSON = {"content-type": "application/json"}


class Script(Struct, frozen=True):
    """One scripted answer: pieces are bytes, an error to raise, or an event to wait for."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: dict(SSE))
    pieces: Sequence[bytes | TallygateError | asyncio.Event] = ()
    refuse: TallygateError | None = None


class ScriptedAnswer:
    """Plays one script as a `transport.base.Answer`."""

    def __init__(self, script: Script) -> None:
        self._pieces = list(script.pieces)
        self.status = script.status
        self.headers = script.headers
        self.closed = False

    async def read(self) -> bytes:
        while self._pieces:
            piece = self._pieces[0]
            if isinstance(piece, asyncio.Event):
                await piece.wait()
                self._pieces.pop(0)
                continue
            self._pieces.pop(0)
            if isinstance(piece, TallygateError):
                raise piece
            return piece
        return b""

    def close(self) -> None:
        self.closed = True


class ScriptedExit:
    """Answers the requests of a test in order, and keeps what was asked."""

    def __init__(self, *scripts: Script) -> None:
        self._scripts = list(scripts)
        self.asked: list[OutgoingRequest] = []
        self.timeouts: list[Timeouts] = []
        self.answers: list[ScriptedAnswer] = []

    async def send(self, request: OutgoingRequest, timeouts: Timeouts) -> ScriptedAnswer:
        self.asked.append(request)
        self.timeouts.append(timeouts)
        script = self._scripts.pop(0)
        if script.refuse is not None:
            raise script.refuse
        answer = ScriptedAnswer(script)
        self.answers.append(answer)
        return answer

    async def close(self) -> None:
        pass


async def fetch_nothing(urls: Sequence[str]) -> Mapping[str, Fetched]:
    """As a fetcher whose settings allow no URL."""
    raise MediaTooLarge(f"{len(urls)} URLs are too many.")


class KeptClient:
    """A client that keeps its answer. `on_send` is told of each write, to make something happen just then."""

    def __init__(self, on_send: Callable[[bytes], None] | None = None) -> None:
        self._on_send = on_send
        self.status = 0
        self.headers: dict[str, str] = {}
        self.pieces: list[bytes] = []
        self.ended = False

    @property
    def body(self) -> bytes:
        """Everything that was sent."""
        return b"".join(self.pieces)

    async def start(self, status: int, headers: list[tuple[str, str]]) -> None:
        assert self.status == 0, "an answer has one head"
        self.status, self.headers = status, dict(headers)

    async def send(self, chunk: bytes) -> None:
        assert self.status, "the head comes first"
        assert not self.ended, "nothing follows the end"
        self.pieces.append(chunk)
        if self._on_send is not None:
            self._on_send(chunk)
        await asyncio.sleep(0)

    async def end(self, last: bytes = b"") -> None:
        if last:
            await self.send(last)
        self.ended = True
