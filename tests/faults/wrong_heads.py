"""What the hostile provider does wrong before an answer's body: no head at all, its status, its headers, its framing.

Each function is one fault, or makes those of one kind. How each of them ends for the client is in `table.py`.
"""

import asyncio
import json

from tests.faults.exchange import PAGE, Behaviour, Exchange, behave
from tests.faults.wires import Json

QUIET_S = 35.0


async def close_unanswered(x: Exchange) -> None:
    """Reads the request and hangs up."""
    x.fin()


async def reset_unanswered(x: Exchange) -> None:
    """Reads the request and resets the connection."""
    x.reset()


async def stay_silent(x: Exchange) -> None:
    """Reads the request and never answers."""
    await x.hang()


async def begin_late(x: Exchange) -> None:
    """A pause before the head."""
    await asyncio.sleep(0.3)
    await behave(x)


async def refuse_plainly(x: Exchange) -> None:
    """400 with a sentence that is fit to be shown."""
    await x.refuse(400, message="The prompt is longer than this model reads.")


async def begin_very_late(x: Exchange) -> None:
    """A pause before the head that is longer than any client or proxy likes."""
    await asyncio.sleep(QUIET_S)
    await behave(x)


def fail_with(status: int, *headers: tuple[str, str]) -> Behaviour:
    """An error answer with a text that tells too much."""

    async def fail(x: Exchange) -> None:
        await x.refuse(status, *headers)

    return fail


def redirect_with(status: int) -> Behaviour:
    """A redirect to somewhere else."""

    async def redirect(x: Exchange) -> None:
        x.emit("error")
        await x.answer(status, b"", ("location", "http://127.0.0.1:9/elsewhere"))

    return redirect


def bodiless_with(status: int) -> Behaviour:
    """A status that has no body, with one."""

    async def bodiless(x: Exchange) -> None:
        body = json.dumps(x.body()).encode()
        head = f"HTTP/1.1 {status} Lab\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        await x.raw(head.encode() + body)
        x.fin()

    return bodiless


async def flood_interim(x: Exchange) -> None:
    """A hundred interim answers before the real one."""
    for _ in range(100):
        await x.raw(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n")
    await behave(x)


async def echo_request(x: Exchange) -> None:
    """400 whose text repeats the headers of the request, the provider's key among them."""
    await x.refuse(400, message="Bad request: " + " | ".join(x.request_headers))


async def bare_head(x: Exchange) -> None:
    """A status line, no header, a body until the connection closes."""
    await x.raw(b"HTTP/1.1 200 OK\r\n\r\n")
    if x.ask.stream:
        for piece in x.good():
            x.emit(piece.kind, piece.text)
            await x.raw(piece.data)
    else:
        x.emit("whole", x.text)
        await x.raw(json.dumps(x.body(), ensure_ascii=False).encode())
    x.fin()


async def many_headers(x: Exchange) -> None:
    """Ten thousand headers."""
    await x.head(200, *((f"x-{number}", "y") for number in range(10_000)))
    x.fin()


async def huge_header(x: Exchange) -> None:
    """A header of a megabyte."""
    await x.head(200, ("x-huge", "y" * (1 << 20)))
    x.fin()


def framed_with(*headers: tuple[str, str]) -> Behaviour:
    """A whole body under headers that contradict each other or the body, then silence."""

    async def framed(x: Exchange) -> None:
        await x.head(200, ("content-type", "application/json"), *headers)
        await x.raw(json.dumps(x.body(), ensure_ascii=False).encode())
        x.fin()

    return framed


async def short_length(x: Exchange) -> None:
    """A length below the body's: the rest stands on the connection unasked."""
    body = json.dumps(x.body(), ensure_ascii=False).encode()
    await x.head(200, ("content-type", "application/json"), ("content-length", str(len(body) // 2)))
    await x.raw(body)
    await x.hang()


async def bad_chunk(x: Exchange) -> None:
    """A chunk whose size is no number, after a good beginning."""
    media_type = "text/event-stream" if x.ask.stream else "application/json"
    await x.head(200, ("content-type", media_type), ("transfer-encoding", "chunked"))
    if x.ask.stream:
        for piece in x.good()[:4]:
            await x.send(piece)
    await x.raw(b"zz\r\n{}\r\n0\r\n\r\n")
    await x.hang()


def with_headers(*headers: tuple[str, str]) -> Behaviour:
    """A good answer with headers that must not reach the client."""

    async def dressed(x: Exchange) -> None:
        if x.ask.stream:
            await x.open_stream(*headers)
            for piece in x.good():
                await x.send(piece)
            await x.close_stream()
        else:
            await x.answer_json(x.body(), *headers, text=x.text)

    return dressed


async def ancient(x: Exchange) -> None:
    """An answer without any head, as before HTTP/1.0."""
    await x.raw(b"<html>" + PAGE.encode() + b"</html>\r\n")
    x.fin()


async def not_http(x: Exchange) -> None:
    """The greeting of another protocol."""
    await x.raw(b"SSH-2.0-lab\r\n\r\n")
    x.fin()


async def surplus(x: Exchange) -> None:
    """A good answer, and in the same breath a second one that nobody asked for."""
    stranger: Json = x.wire.whole(x.ask._replace(nonce="zqsurplus0qz"), "zqsurplus0qz:0 ")
    extra = _framed(json.dumps(stranger).encode())
    if x.ask.stream:
        await x.play(x.good(), close=False)
        await x.raw(b"0\r\n\r\n" + extra)
    else:
        x.emit("whole", x.text)
        await x.raw(_framed(json.dumps(x.body(), ensure_ascii=False).encode()) + extra)
    x.note("ended", how="clean")


def _framed(body: bytes) -> bytes:
    """A whole answer as bytes."""
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body
