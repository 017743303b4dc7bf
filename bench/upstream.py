"""A provider that answers with canned bytes, so that what is measured is the gateway. Prints its port.

The model says how: ``bench`` at once, ``bench-paced`` one event each 10 ms, ``bench-held`` one event each second. One
request per connection at a time, keep-alive.
"""

import asyncio
from typing import Final, cast

import uvloop

EVENTS: Final = 64
"""Content chunks of a stream; after them come the end, the usage and the terminator."""
HELD_EVENTS: Final = 8
PACES_S: Final = {b'"bench-paced"': (EVENTS, 0.01), b'"bench-held"': (HELD_EVENTS, 1.0)}

_CHUNK = b'data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"bench","choices":[{"index":0,'
_WHOLE = (
    b'{"id":"c1","object":"chat.completion","created":1,"model":"bench","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"The quick brown fox jumps over the lazy dog."},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":12,"completion_tokens":10,"total_tokens":22}}'
)
_EVENT = _CHUNK + b'"delta":{"content":"token "}}]}\n\n'
_END = (
    _CHUNK
    + b'"delta":{},"finish_reason":"stop"}]}\n\ndata: {"id":"c1","object":"chat.completion.chunk","created":1,'
    + b'"model":"bench","choices":[],"usage":{"prompt_tokens":12,"completion_tokens":64,"total_tokens":76}}\n\n'
    + b"data: [DONE]\n\n"
)
_JSON_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
_SSE_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n"


class Provider(asyncio.Protocol):
    """One connection. A request is complete when as many bytes came as its Content-Length says."""

    def __init__(self) -> None:
        self._seen = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer once the request is whole."""
        self._seen += data
        head, blank, body = self._seen.partition(b"\r\n\r\n")
        if not blank:
            return
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        if len(body) < int(fields.get(b"content-length", b"0")):
            return
        self._seen = b""
        self._answer(body)

    def _answer(self, body: bytes) -> None:
        assert self._transport is not None
        if b'"stream":true' not in body:
            self._transport.write(_JSON_HEAD % len(_WHOLE) + _WHOLE)
            return
        events, pace_s = next((pace for model, pace in PACES_S.items() if model in body), (EVENTS, 0.0))
        self._transport.write(_SSE_HEAD % (events * len(_EVENT) + len(_END)))
        if pace_s:
            self._go_on(events, pace_s)
        else:
            self._transport.write(_EVENT * events + _END)

    def _go_on(self, left: int, pace_s: float) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(_EVENT if left else _END)
        if left:
            asyncio.get_running_loop().call_later(pace_s, self._go_on, left - 1, pace_s)


async def main() -> None:
    """Serve on a free port of this machine until killed."""
    server = await asyncio.get_running_loop().create_server(Provider, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
