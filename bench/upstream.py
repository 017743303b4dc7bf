"""A provider that answers at once with canned bytes, so that what is measured is the gateway. Prints its port.

Whole answers and streams of `EVENTS` content chunks; one request per connection at a time, keep-alive.
"""

import asyncio

EVENTS = 64
CHUNK = b'{"id":"c1","object":"chat.completion.chunk","created":1,"model":"bench","choices":[{"index":0,'
WHOLE = (
    b'{"id":"c1","object":"chat.completion","created":1,"model":"bench","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"The quick brown fox jumps over the lazy dog."},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":12,"completion_tokens":10,"total_tokens":22}}'
)
STREAM = b"".join(
    [
        *(b"data: " + CHUNK + b'"delta":{"content":"token "}}]}\n\n' for _ in range(EVENTS)),
        b"data: " + CHUNK + b'"delta":{},"finish_reason":"stop"}]}\n\n',
        b"data: [DONE]\n\n",
    ]
)
JSON_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
SSE_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n"


class Provider(asyncio.Protocol):
    """One connection. A request is complete when as many bytes came as its Content-Length says."""

    def __init__(self) -> None:
        self._seen = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

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
        assert self._transport is not None
        if b'"stream":true' in body:
            self._transport.write(SSE_HEAD % len(STREAM) + STREAM)
        else:
            self._transport.write(JSON_HEAD % len(WHOLE) + WHOLE)


async def main() -> None:
    """Serve on a free port of this machine until killed."""
    server = await asyncio.get_running_loop().create_server(Provider, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
