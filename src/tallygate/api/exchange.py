"""One request and its answer on a connection: the client of a call, as the hallway sees it.

What is written once the client has gone is dropped without a word; the call is told by its `Departure`, and goes on
where it must. The connection itself is not known here, only what may be asked of it.
"""

from typing import Protocol

from tallygate.api.answer import LAST_CHUNK, write_answer_head, write_chunk
from tallygate.api.door import Reply
from tallygate.errors import TallygateError
from tallygate.pipeline.call import Departure


class Line(Protocol):
    """The connection under an exchange."""

    @property
    def draining(self) -> bool:
        """True if the gateway was told to stop: no answer begun now is followed by another."""
        ...

    @property
    def date(self) -> str:
        """The header `date` of this second, ready to be sent."""
        ...

    @property
    def paused(self) -> bool:
        """True while the client takes less than it is sent."""
        ...

    def write(self, data: bytes) -> None:
        """Hand bytes to the transport."""
        ...

    async def writable(self) -> None:
        """Wait until the client has taken most of what was sent, or has gone."""
        ...

    def finish(self, *, keeps: bool) -> None:
        """The answer is written; `keeps`: another request may follow."""
        ...


class Exchange:
    """A `Client` (pipeline/call.py). `chunks`: it understands chunks; `keeps`: it may send another request; `bare`: it
    wants no body; `is_call`: its leaving ends what was begun for it.
    """

    __slots__ = (
        "_bare", "_begun", "_chunked", "_chunks", "_departure", "_done", "_gone", "_head", "_keeps", "_line",
        "_request_id", "is_call",
    )  # fmt: skip

    def __init__(
        self, line: Line, request_id: str, *, chunks: bool, keeps: bool, bare: bool, is_call: bool = False
    ) -> None:
        self._line = line
        self._request_id = request_id
        self._chunks = chunks
        self._keeps = keeps
        self._bare = bare
        self.is_call = is_call
        self._head = b""
        self._begun = False
        self._chunked = False
        self._done = False
        self._gone = False
        self._departure: Departure | None = None

    @property
    def done(self) -> bool:
        """True once the answer is written to its end."""
        return self._done

    @property
    def gone(self) -> bool:
        """True once the client has left."""
        return self._gone

    def tell(self, departure: Departure) -> None:
        """From here on this call is told when its client leaves, and that it must end if the gateway stops."""
        self._departure = departure

    def leave(self) -> None:
        """The client has left."""
        self._gone = True
        if self._departure is not None:
            self._departure.leave()

    def stop(self, error: TallygateError) -> None:
        """The gateway must end the call."""
        if self._departure is not None:
            self._departure.stop(error)

    async def start(self, status: int, headers: list[tuple[str, str]]) -> None:
        """Begin the answer. Its head goes out with the first bytes that follow, in one write."""
        self._begin(status, headers)

    async def send(self, chunk: bytes) -> None:
        """Send bytes of the body. Waits while the client does not read."""
        if chunk:
            self._write(write_chunk(chunk) if self._chunked else chunk)
        if self._line.paused:
            await self._line.writable()

    async def end(self, last: bytes = b"") -> None:
        """Complete the body with its last bytes."""
        if self._chunked:
            last = write_chunk(last) + LAST_CHUNK if last else LAST_CHUNK
        self._finish(last)

    def reply(self, reply: Reply) -> None:
        """Answer at once and as a whole."""
        headers = [
            ("content-type", reply.content_type),
            ("content-length", str(len(reply.body))),
            *reply.headers,
            ("x-request-id", self._request_id),
            ("request-id", self._request_id),
        ]
        self._begin(reply.status, headers)
        self._finish(b"" if self._bare else reply.body)

    def _begin(self, status: int, headers: list[tuple[str, str]]) -> None:
        more = self._line.date
        if "content-length" not in dict(headers):
            # Who does not understand chunks is told the end by the end of the connection.
            self._chunked = self._chunks
            self._keeps = self._keeps and self._chunks
            more += "transfer-encoding: chunked\r\n" if self._chunks else ""
        if self._line.draining:
            self._keeps = False
        if not self._keeps:
            more += "connection: close\r\n"
        self._head = write_answer_head(status, headers, more)
        self._begun = True

    def _write(self, data: bytes) -> None:
        if self._done or self._gone:
            return
        if not self._begun:
            raise RuntimeError("an answer without a head")
        if self._head:
            data, self._head = self._head + data, b""
        self._line.write(data)

    def _finish(self, last: bytes) -> None:
        if self._done or self._gone:
            return
        self._write(last)
        self._done = True
        self._line.finish(keeps=self._keeps)
