"""What the hostile provider does wrong inside a stream: its shape, its pace, its end.

Each function is one fault, or makes those of one kind; where a whole answer was asked for, the time faults have their
like there and the others do not apply. How each of them ends for the client is in `table.py`.
"""

import asyncio
import json
from collections.abc import Callable
from itertools import count

from tests.faults.exchange import PAGE, Behaviour, Exchange, Piece
from tests.faults.wires import TOKENS, OpenAI, frame, text_of, token

PACE_S = 0.05
QUIET_S = 35.0
PINGS = 20
BURST = 5_000
MANY = 100_000
BIG_EVENT_BYTES = 5 << 20
TOO_BIG_EVENT_BYTES = 9 << 20
FLOOD_STEP = 64


def reshaped(change: Callable[[bytes], bytes]) -> Behaviour:
    """A good stream whose frames are written another way."""

    async def play(x: Exchange) -> None:
        await x.play([piece._replace(data=change(piece.data)) for piece in x.good()])

    return play


def mixed_ends(data: bytes) -> bytes:
    """Each line of a frame with another line end."""
    ends = [b"\r\n", b"\n", b"\r\n"]
    lines = data.split(b"\n")[:-1]
    return b"".join(line + ends[place % 3] for place, line in enumerate(lines))


def many_lines(data: bytes) -> bytes:
    """The data of a frame over several data lines: JSON with its breaks between members."""
    head, mark, rest = data.partition(b"data: ")
    if not rest.startswith(b"{"):
        return data
    lines = json.dumps(json.loads(rest), ensure_ascii=False, indent=1).encode().split(b"\n")
    return head + b"".join(mark + line + b"\n" for line in lines) + b"\n"


crlf = reshaped(lambda data: data.replace(b"\n", b"\r\n"))
cr = reshaped(lambda data: data.replace(b"\n", b"\r"))
mixed = reshaped(mixed_ends)
no_space = reshaped(lambda data: data.replace(b"data: ", b"data:").replace(b"event: ", b"event:"))
multi_line = reshaped(many_lines)
with_comments = reshaped(lambda data: b": lab\n\n" + data)
with_ids = reshaped(lambda data: b"id: 7\nretry: 10\n" + data)


async def no_last_blank(x: Exchange) -> None:
    """The stream ends without the blank line after its last event."""
    *pieces, last = x.good()
    await x.play([*pieces, last._replace(data=last.data.rstrip(b"\n"))])


async def byte_order_mark(x: Exchange) -> None:
    """A byte order mark before the first event."""
    first, *pieces = x.good()
    await x.play([first._replace(data=b"\xef\xbb\xbf" + first.data), *pieces])


async def only_comments(x: Exchange) -> None:
    """Comments and a clean end: no event at all."""
    await x.play([Piece(b": lab\n\n")] * 5)


async def no_event(x: Exchange) -> None:
    """A clean end at once."""
    await x.play([])


async def split_everywhere(x: Exchange) -> None:
    """Every byte in a chunk of its own, inside characters too."""
    await x.open_stream()
    for piece in x.good(2):
        x.emit(piece.kind, piece.text, piece.lane)
        for place in range(len(piece.data)):
            await x.raw(b"1\r\n" + piece.data[place : place + 1] + b"\r\n")
    await x.close_stream()


def one_event(size: int) -> Behaviour:
    """A stream with one event of that many bytes of text."""

    async def play(x: Exchange) -> None:
        text = token(x.ask.nonce, 0) * (size // len(token(x.ask.nonce, 0).encode()))
        opening, end = _around(x)
        await x.play([*opening, Piece(x.wire.content(x.ask, text), "content", text), *end])

    return play


async def many_events(x: Exchange) -> None:
    """A hundred thousand events of one character, as fast as they go."""
    text = "".join(token(x.ask.nonce, number) for number in range(MANY // 14 + 1))[:MANY]
    opening, end = _around(x)
    await x.play(opening, close=False)
    for place in range(0, MANY, 100):
        some = text[place : place + 100]
        x.emit("content", some)
        data = b"".join(x.wire.content(x.ask, character) for character in some)
        await x.raw(f"{len(data):x}\r\n".encode() + data + b"\r\n")
    for piece in end:
        await x.send(piece)
    await x.close_stream()


async def no_terminator(x: Exchange) -> None:
    """Everything but the terminator, and a clean end."""
    await x.play(x.good()[:-1])


async def two_terminators(x: Exchange) -> None:
    """The terminator twice."""
    *pieces, end = x.good()
    await x.play([*pieces, end._replace(data=end.data * 2)])


async def talk_after_end(x: Exchange) -> None:
    """More text after the terminator."""
    *pieces, end = x.good()
    await x.play([*pieces, end._replace(data=end.data + x.wire.content(x.ask, "zqlatetok0qz and more"))])


async def two_lanes(x: Exchange) -> None:
    """Two choices although one was asked for, their pieces in turn."""
    wire = OpenAI()
    opening, end = _around(x)
    pieces = list(opening)
    for number in range(TOKENS):
        for lane in (0, 1):
            text = token(x.ask.nonce, number)
            pieces.append(Piece(wire.content(x.ask, text, lane), "content", text, str(lane)))
    pieces.append(Piece(wire.chunk(x.ask, [wire.choice({}, "stop", 1)])))
    await x.play([*pieces, *end])


async def role_twice(x: Exchange) -> None:
    """The opening twice."""
    first, *pieces = x.good()
    await x.play([first, first, *pieces])


async def torn_tool_calls(x: Exchange) -> None:
    """Pieces of two tool calls in turn, the second one opened first."""
    wire = OpenAI()
    opening, end = _around(x)
    calls = [
        {"index": index, "id": f"call_{index}", "type": "function", "function": {"name": f"f{index}", "arguments": ""}}
        for index in (1, 0)
    ]
    parts = [{"index": index, "function": {"arguments": part}} for part in ('{"a"', ":1}") for index in (0, 1)]
    deltas = [Piece(wire.chunk(x.ask, [wire.choice({"tool_calls": [call]})])) for call in [*calls, *parts]]
    await x.play([*opening, *deltas, Piece(wire.chunk(x.ask, [wire.choice({}, "tool_calls")]), "finish"), *end[1:]])


def failing_after(tokens: int, kind: str) -> Behaviour:
    """An error event after so many tokens, then a clean end."""

    async def play(x: Exchange) -> None:
        failure = Piece(x.wire.failure(kind, PAGE), "error")
        await x.play([*_begun(x, tokens), failure])

    return play


async def failing_first(x: Exchange) -> None:
    """An error event and nothing else."""
    await x.play([Piece(x.wire.failure("api_error", PAGE), "error")])


async def failure_by_name(x: Exchange) -> None:
    """An error whose event is named `error`, on a wire whose events have no names."""
    failure = frame({"message": PAGE, "code": 500}, "error")
    await x.play([*_begun(x, 3), Piece(failure, "error")])


async def failure_then_end(x: Exchange) -> None:
    """An error event and the terminator after it, as if nothing had been."""
    failure = Piece(x.wire.failure("api_error", PAGE), "error")
    await x.play([*_begun(x, 3), failure, Piece(x.wire.terminator())])


def garbled(data: bytes) -> Behaviour:
    """Something that cannot be read between two events."""

    async def play(x: Exchange) -> None:
        pieces = x.good()
        await x.play([*pieces[:4], Piece(data), *pieces[4:]])

    return play


async def pings_then_answer(x: Exchange) -> None:
    """Signs of life for a while, then a good answer."""
    await x.open_stream()
    for _ in range(PINGS):
        await x.send(Piece(x.wire.ping()))
        await asyncio.sleep(PACE_S)
    for piece in x.good():
        await x.send(piece)
    await x.close_stream()


async def pings_for_ever(x: Exchange) -> None:
    """Signs of life and nothing else."""
    await x.open_stream()
    while True:
        await x.send(Piece(x.wire.ping()))
        await asyncio.sleep(PACE_S)


async def stall(x: Exchange) -> None:
    """Silence in the middle."""
    if x.ask.stream:
        await x.play(_begun(x, 3), close=False)
    else:
        await _half_body(x)
    await x.hang()


async def pause(x: Exchange) -> None:
    """A long silence in the middle, after which all goes well."""
    pieces = x.good()
    await x.play(pieces[:4], close=False)
    await asyncio.sleep(QUIET_S)
    for piece in pieces[4:]:
        await x.send(piece)
    await x.close_stream()


async def crawl(x: Exchange) -> None:
    """A pause before every token."""
    await x.open_stream()
    for piece in x.good():
        await asyncio.sleep(PACE_S)
        await x.send(piece)
    await x.close_stream()


async def burst(x: Exchange) -> None:
    """Thousands of tokens in one write."""
    opening, end = _around(x)
    await x.play(opening, close=False)
    text = text_of(x.ask.nonce, BURST)
    x.emit("content", text)
    data = b"".join(x.wire.content(x.ask, token(x.ask.nonce, number)) for number in range(BURST))
    await x.raw(f"{len(data):x}\r\n".encode() + data + b"\r\n")
    for piece in end:
        await x.send(piece)
    await x.close_stream()


async def end_late(x: Exchange) -> None:
    """The terminator, and a body that does not end."""
    await x.play(x.good(), close=False)
    await x.hang()


async def flood(x: Exchange) -> None:
    """Tokens without end and without a pause. One entry of the journal tells of many."""
    await x.play(_around(x)[0], close=False)
    number = 0
    while True:
        texts = [token(x.ask.nonce, number + step) for step in range(FLOOD_STEP)]
        x.note("flooded", through=number + FLOOD_STEP)
        data = b"".join(x.wire.content(x.ask, text) for text in texts)
        await x.raw(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        number += FLOOD_STEP
        await asyncio.sleep(0)


async def trickle(x: Exchange) -> None:
    """Tokens without end, a few in a second."""
    await x.play(_around(x)[0], close=False)
    for number in count():
        await x.send(x.content(number))
        await asyncio.sleep(PACE_S)


def cut_after(tokens: int | None, how: str) -> Behaviour:
    """The answer breaks off after so many tokens, or just before the terminator (None).

    `clean` ends the body as if it were whole, `fin` hangs up inside it, `reset` tears the connection down.
    """

    async def play(x: Exchange) -> None:
        if not x.ask.stream:
            await _half_body(x)
        elif tokens is None:
            await x.play(x.good()[:-1], close=False)
        else:
            await x.play(_begun(x, tokens) if tokens else [], close=False)
        if how == "clean" and x.ask.stream:
            await x.close_stream()
        elif how == "reset":
            x.reset()
        else:
            x.fin()

    return play


async def _half_body(x: Exchange) -> None:
    body = json.dumps(x.body(), ensure_ascii=False).encode()
    await x.head(200, ("content-type", "application/json"), ("content-length", str(len(body))))
    await x.raw(body[: len(body) // 2])


def _around(x: Exchange) -> tuple[list[Piece], list[Piece]]:
    """What stands before the text of a good stream, and what after it."""
    pieces = x.good(0)
    opening = len(x.wire.opening(x.ask))
    return pieces[:opening], pieces[opening:]


def _begun(x: Exchange, tokens: int) -> list[Piece]:
    return [*_around(x)[0], *(x.content(number) for number in range(tokens))]
