"""Clients: how many calls were answered, how long each waited for its first byte of content and for its end.

An answer that is not whole, or no success, ends the measurement: a figure for wrong answers is worth nothing.
"""

import asyncio
import re
import time
from typing import NamedTuple

_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


class Load(NamedTuple):
    """Who asks whom for what, how many at a time and for how long. `seconds` 0: each client asks once."""

    port: int
    key: str
    model: str
    stream: bool
    clients: int
    seconds: float


class Answered(NamedTuple):
    """Waiting times in seconds, one for each call: until the first byte of the body, and until its end."""

    firsts_s: list[float]
    ends_s: list[float]


def write_request(load: Load) -> bytes:
    """The request's bytes, the same for everybody who is measured."""
    flags = b',"stream":true,"stream_options":{"include_usage":true}' if load.stream else b""
    body = b'{"model":"%b","messages":[{"role":"user","content":"Say something."}],"temperature":0.7%b}' % (
        load.model.encode(),
        flags,
    )
    return (
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        b"authorization: Bearer %b\r\ncontent-length: %d\r\n\r\n%b" % (load.key.encode(), len(body), body)
    )


async def run(load: Load, *, ramp_s: float = 0.0) -> Answered:
    """Load, and wait for the last answer. `ramp_s` spreads the first calls, so that streams do not march in step."""
    answered = Answered([], [])
    until_s = time.monotonic() + load.seconds
    clients = [_ask(load, until_s, number * ramp_s / load.clients, answered) for number in range(load.clients)]
    await asyncio.gather(*clients)
    return answered


async def _ask(load: Load, until_s: float, wait_s: float, answered: Answered) -> None:
    """One client: asks again as soon as it is answered, on one connection."""
    request = write_request(load)
    await asyncio.sleep(wait_s)
    reader, writer = await asyncio.open_connection("127.0.0.1", load.port)
    while True:
        began_s = time.monotonic()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        first = await reader.readexactly(1)
        answered.firsts_s.append(time.monotonic() - began_s)
        length = _LENGTH.search(head)
        body = first + (
            await reader.readexactly(int(length[1]) - 1) if length else await reader.readuntil(b"\r\n0\r\n\r\n")
        )
        assert (b"[DONE]" if load.stream else b"lazy dog") in body, body[-200:]
        answered.ends_s.append(time.monotonic() - began_s)
        if time.monotonic() >= until_s:
            break
    writer.close()
    await writer.wait_closed()
