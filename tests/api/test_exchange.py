"""An exchange on a line that notes what is written: framing, one write where one will do, and nothing after the end."""

import pytest

from tallygate.api.door import Reply
from tallygate.api.exchange import Exchange
from tallygate.pipeline.call import Departure

pytestmark = pytest.mark.anyio


class Noted:
    """A line that keeps what is written."""

    def __init__(self, *, draining: bool = False) -> None:
        self.draining = draining
        self.date = "date: now\r\n"
        self.paused = False
        self.written: list[bytes] = []
        self.finished: list[bool] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    async def writable(self) -> None:
        self.paused = False

    def finish(self, *, keeps: bool) -> None:
        self.finished.append(keeps)


def begin(line: Noted, *, chunks: bool = True, keeps: bool = True, bare: bool = False) -> Exchange:
    return Exchange(line, "r1", chunks=chunks, keeps=keeps, bare=bare)


async def test_a_whole_answer_is_one_write() -> None:
    line = Noted()
    exchange = begin(line)
    await exchange.start(200, [("content-length", "2")])
    assert line.written == []
    await exchange.end(b"ok")
    assert line.written == [b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ndate: now\r\n\r\nok"]
    assert (exchange.done, line.finished) == (True, [True])


async def test_a_stream_goes_out_chunk_by_chunk() -> None:
    line = Noted()
    exchange = begin(line)
    await exchange.start(200, [])
    for chunk in (b"a", b"", b"bc"):
        await exchange.send(chunk)
    await exchange.end(b"d")
    head, *rest = b"".join(line.written).split(b"\r\n\r\n", 1)
    assert b"transfer-encoding: chunked" in head
    assert rest == [b"1\r\na\r\n2\r\nbc\r\n1\r\nd\r\n0\r\n\r\n"]
    assert len(line.written) == 3


@pytest.mark.parametrize(
    ("draining", "keeps", "chunks"), [(True, True, True), (False, False, True), (False, True, False)]
)
async def test_the_last_answer_says_so(draining: bool, keeps: bool, chunks: bool) -> None:
    line = Noted(draining=draining)
    exchange = begin(line, keeps=keeps, chunks=chunks)
    await exchange.start(200, [])
    await exchange.send(b"a")
    await exchange.end()
    assert b"connection: close\r\n" in line.written[0]
    assert (b"chunked" in line.written[0]) is chunks
    assert line.finished == [False]


async def test_nothing_is_written_after_the_end_or_to_nobody() -> None:
    line = Noted()
    exchange = begin(line)
    exchange.reply(Reply(200, b"ok"))
    written = list(line.written)
    await exchange.send(b"more")
    await exchange.end()
    exchange.reply(Reply(200, b"again"))
    assert (line.written, line.finished) == (written, [True])
    left, departure = begin(line), Departure()
    left.tell(departure)
    left.leave()
    assert (left.gone, departure.left) == (True, True)
    await left.start(200, [])
    await left.send(b"a")
    await left.end()
    assert line.written == written


async def test_a_head_that_cannot_be_written_is_followed_by_nothing() -> None:
    line = Noted()
    exchange = begin(line)
    with pytest.raises(ValueError, match="line end"):
        await exchange.start(200, [("x-a", "a\r\nb")])
    with pytest.raises(RuntimeError):
        await exchange.end(b"body")
    assert line.written == []


async def test_a_writer_waits_while_the_client_does_not_read() -> None:
    line = Noted()
    exchange = begin(line)
    await exchange.start(200, [])
    line.paused = True
    await exchange.send(b"a")
    assert not line.paused
