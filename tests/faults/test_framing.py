"""Malformed and ambiguous requests, each on a fresh connection: refused as the corpus says, and nothing hides in them.

The same bytes again however they are cut, changed at random, and through a proxy before the gateway.
"""

import random
from collections.abc import Generator

import h11
import httptools
import pytest

from tallygate.api.framing import RequestReader
from tallygate.errors import TallygateError
from tests.fakes.front import Opened, open_front
from tests.faults.raw_requests import CORPUS, HIDDEN, Row

PROBE = b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: probe\r\n\r\n"
SEED = 20261121


@pytest.fixture(scope="module")
def front() -> Generator[Opened]:
    with open_front() as opened:
        yield opened


@pytest.mark.parametrize("row", CORPUS, ids=str)
def test_each_row_is_answered_as_it_should_be_and_nothing_comes_after_it(front: Opened, row: Row) -> None:
    before = len(front.hallway.calls)
    with front.connect() as line:
        answer = line.send(row.raw).read()
        assert answer.status in row.statuses
        assert answer.headers["x-request-id"] == answer.headers["request-id"]
        closes = answer.headers.get("connection") == "close"
        if row.closes is not None:
            assert closes == row.closes
        if closes:
            assert line.send(PROBE).at_end()
        else:
            after = line.send(PROBE).read()
            assert (after.status, after.headers["x-request-id"]) == (200, "probe")
    if answer.status != 200:
        assert b'"error"' in answer.body
        assert len(front.hallway.calls) == before


Read = list[tuple[str, bytes, bytes]]


def read_ours(raw: bytes) -> tuple[Read, bool]:
    """The requests our reader finds, and whether it refused the rest."""
    reader, found = RequestReader(1 << 20), Read()
    reader.feed(raw)
    try:
        while (head := reader.read_head()) is not None and (body := reader.read_body()) is not None:
            target = head.path.encode() + (b"?" + head.query if head.query else b"")
            found.append((head.method, target, body))
    except TallygateError:
        return found, True
    return found, False


class Listener:
    """What `httptools` tells of requests."""

    def __init__(self) -> None:
        self.found: Read = []
        self.url = self.body = b""
        self.parser = httptools.HttpRequestParser(self)

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.found.append((self.parser.get_method().decode(), self.url, self.body))
        self.url = self.body = b""


def read_httptools(raw: bytes, count: int) -> Read:
    """The requests that the parser of Node.js finds, `count` at most."""
    listener = Listener()
    try:
        listener.parser.feed_data(raw)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        pass
    return listener.found[:count]


def read_h11(raw: bytes, count: int) -> Read:
    """The requests that h11 finds, `count` at most."""
    found = Read()
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 21)
    connection.receive_data(raw)
    try:
        while len(found) < count:
            head, body = connection.next_event(), b""
            assert isinstance(head, h11.Request)
            while isinstance(data := connection.next_event(), h11.Data):
                body += bytes(data.data)
            assert isinstance(data, h11.EndOfMessage)
            found.append((head.method.decode(), head.target, body))
            connection.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
            connection.send(h11.EndOfMessage())
            connection.start_next_cycle()
    except (h11.RemoteProtocolError, h11.LocalProtocolError):
        pass
    return found


PIECES = (
    b"\r\n", b"\n", b"\r", b" ", b"\t", b"\x00", b"\x0b", b":", b",", b";", b"0\r\n\r\n", b"\r\n\r\n", b"_", b"-",
    b"+5", b"5", b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: x\r\n", b"Connection: close\r\n", b"Host: a\r\n", b"HTTP/1.0", b"\xff", b"\x80", HIDDEN,
)  # fmt: skip


def mutate(source: random.Random) -> bytes:
    """A row of the corpus, or two, with a few bytes more, fewer, or others."""
    raw = bytearray(source.choice(CORPUS).raw[:4096])
    for _ in range(source.randrange(1, 4)):
        at = source.randrange(len(raw) + 1)
        match source.randrange(5):
            case 0:
                del raw[at : at + source.choice((1, 1, 2, 5, 20))]
            case 1:
                raw[at:at] = source.choice(PIECES)
            case 2:
                raw[at : at + 1] = source.randbytes(1)
            case 3:
                line = raw[at:].partition(b"\r\n")[0]
                raw[at:at] = line + b"\r\n"
            case _:
                raw += source.choice(CORPUS).raw[:1024]
    return bytes(raw)


def check_readers_agree(count: int) -> None:
    """Whatever our reader takes, two others read in the same way or refuse: a request has no second meaning."""
    source = random.Random(SEED)
    taken = agreed = 0
    for _ in range(count):
        raw = mutate(source)
        ours, _ = read_ours(raw)
        # The others leave an address as it was written.
        if not ours or b"//" in raw or b"? " in raw:
            continue
        taken += 2
        for theirs in (read_h11(raw, len(ours)), read_httptools(raw, len(ours))):
            assert theirs == ours[: len(theirs)], raw
            agreed += len(theirs) == len(ours)
    assert taken > count // 10
    assert agreed > taken * 0.9


def test_what_is_taken_has_one_meaning() -> None:
    check_readers_agree(2_000)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_what_is_taken_has_one_meaning_however_often_it_is_tried() -> None:
    check_readers_agree(200_000)


def check_mutations(front: Opened, count: int) -> None:
    """Each mutation on a connection that ends behind it: an answer for each request, never a 5xx, never a hang."""
    source = random.Random(SEED)
    for _ in range(count):
        raw = mutate(source)
        ours, _ = read_ours(raw)
        with front.connect() as line:
            line.send(raw).end()
            answers = 0
            while True:
                try:
                    answer = line.read(bare=answers < len(ours) and ours[answers][0] == "HEAD")
                except EOFError:
                    break
                answers += 1
                assert answer.status < 500, raw
                if answer.headers.get("connection") == "close":
                    assert line.at_end(), raw
                    break
            assert answers <= len(ours) + 1, raw
    with front.connect() as line:
        assert line.send(PROBE).read().status == 200


def test_changed_at_random_nothing_breaks(front: Opened) -> None:
    check_mutations(front, 500)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_changed_at_random_twenty_thousand_times_nothing_breaks(front: Opened) -> None:
    check_mutations(front, 20_000)
