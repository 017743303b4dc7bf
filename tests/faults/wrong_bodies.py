"""What the hostile provider does wrong inside a whole body, in its counts and in its names.

A request for a stream gets the faulty body all the same, as JSON: that is one more thing a gateway must bear. Each
function is one fault, or makes those of one kind. How each of them ends for the client is in `table.py`.
"""

import gzip
import json
from collections.abc import Callable
from typing import Any

from tests.faults.exchange import PAGE, Behaviour, Exchange, behave
from tests.faults.wires import ABSENT, TOKENS, Json

MAIN_FIELD = {"openai": "choices", "anthropic": "content"}
HUGE_SPACES = 160 << 20
DEEP = 100_000


def encode(value: Json) -> bytes:
    """A body as bytes."""
    return json.dumps(value, ensure_ascii=False).encode()


def said(
    make: Callable[[Exchange], bytes], *headers: tuple[str, str], media_type: str = "application/json"
) -> Behaviour:
    """Status 200 and a body that is not sound."""

    async def say(x: Exchange) -> None:
        await x.answer(200, make(x), *headers, media_type=media_type)

    return say


def changed(change: Callable[[Json, str], None], *, sound: bool = False) -> Behaviour:
    """A good body with something changed in it; `change` gets the body and the name of its main field."""

    async def say(x: Exchange) -> None:
        body = x.body()
        change(body, MAIN_FIELD[x.wire.name])
        await x.answer_json(body, text=x.text if sound else "")

    return say


def put(value: Any) -> Callable[[Json, str], None]:
    """Change the main field to a value."""

    def change(body: Json, field: str) -> None:
        body[field] = value

    return change


def drop(body: Json, field: str) -> None:
    """Leave the main field out."""
    del body[field]


def add_stranger(body: Json, field: str) -> None:
    """Add an item to the main field that is of no known type."""
    body[field].append({"index": 7, "type": "hologram", "message": {"role": "assistant", "content": {"x": 1}}})


empty = said(lambda x: b"")
truncated = said(lambda x: encode(x.body())[:-20])
html_page = said(lambda x: f"<html><body>{PAGE}</body></html>".encode(), media_type="text/html")
html_as_json = said(lambda x: f"<html><body>{PAGE}</body></html>".encode())
other_charset = said(
    lambda x: json.dumps({**x.body(), "note": "é"}, ensure_ascii=False).replace("☃", "é").encode("latin-1"),
    media_type="application/json; charset=iso-8859-1",
)
gzip_announced = said(lambda x: gzip.compress(encode(x.body())), ("content-encoding", "gzip"))
gzip_unannounced = said(lambda x: gzip.compress(encode(x.body())))
gzip_bomb = said(lambda x: gzip.compress(b" " * (64 << 20)), ("content-encoding", "gzip"))
gzip_lie = said(lambda x: encode(x.body()), ("content-encoding", "gzip"))
deep = said(lambda x: b'{"a":' + b"[" * DEEP + b"]" * DEEP + b"}")
not_a_number = said(lambda x: encode(x.body())[:-1] + b', "x": NaN}')
lone_list = said(lambda x: b"[" + encode(x.body()) + b"]")
bad_utf8 = said(lambda x: encode(x.body()).replace("☃".encode(), b"\xff\xfe"))
failure_inside = said(lambda x: encode(x.wire.error(500, PAGE)))


async def spaces(x: Exchange) -> None:
    """More blanks than any answer has bytes."""
    await x.head(200, ("content-type", "application/json"), ("content-length", str(HUGE_SPACES)))
    for _ in range(HUGE_SPACES >> 20):
        await x.raw(b" " * (1 << 20))


def counted(given: Any, made: Any, **more: Any) -> Behaviour:
    """A good answer with these counts."""

    async def count(x: Exchange) -> None:
        usage = {**x.wire.usage(given, made), **more}
        if x.ask.stream:
            await x.play(x.good(usage=usage))
        else:
            await x.answer_json({**x.body(), "usage": usage}, text=x.text)

    return count


async def uncounted(x: Exchange) -> None:
    """A good answer that says nothing of usage."""
    if x.ask.stream:
        await x.play(x.good(usage=ABSENT))
    else:
        body = x.body()
        del body["usage"]
        await x.answer_json(body, text=x.text)


def counted_each(step: Callable[[int], int]) -> Behaviour:
    """A good stream whose every event bears a count; `step` gives that of the event with a number."""

    async def count(x: Exchange) -> None:
        if not x.ask.stream:
            await behave(x)
            return
        pieces = x.good()
        for place, piece in enumerate(pieces):
            if piece.kind == "content":
                usage = x.wire.usage(3, step(place))
                pieces[place] = piece._replace(
                    data=patch(piece.data, lambda value, usage=usage: {**value, "usage": usage})
                )
        await x.play(pieces)

    return count


async def counted_in_trailers(x: Exchange) -> None:
    """Usage in a trailer of the body and nowhere else."""
    if not x.ask.stream:
        await uncounted(x)
        return
    await x.play(x.good(usage=ABSENT), close=False)
    await x.raw(f"0\r\nx-usage: {TOKENS}\r\n\r\n".encode())
    x.note("ended", how="clean")


def renamed(**members: Any) -> Behaviour:
    """A good answer that gives itself another name: members of the whole body and of each event that has them."""

    def rename(value: Json) -> Json:
        new = {**value, **{name: member for name, member in members.items() if name in value}}
        if isinstance(inner := value.get("message"), dict):
            new["message"] = rename(inner)
        return new

    async def answer(x: Exchange) -> None:
        if x.ask.stream:
            await x.play([piece._replace(data=patch(piece.data, rename)) for piece in x.good()])
        else:
            await x.answer_json(rename(x.body()), text=x.text)

    return answer


def patch(data: bytes, change: Callable[[Json], Json]) -> bytes:
    """A frame with its JSON changed; other frames as they are."""
    head, mark, rest = data.partition(b"data: ")
    if not rest.startswith(b"{"):
        return data
    return head + mark + json.dumps(change(json.loads(rest)), ensure_ascii=False).encode() + b"\n\n"
