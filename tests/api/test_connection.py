"""Connections on real sockets, on both event loops: what a client may do with one, how long, and how it ends."""

import asyncio
import socket
from collections.abc import Callable, Generator

import pytest
import uvloop

from tallygate.api.connection import PIPELINED_BYTES_MAX, WRITE_BYTES_HIGH
from tallygate.api.front import Front
from tallygate.api.settings import ServerSettings
from tests.fakes.front import ANSWER, EVENT, Line, Noting, Opened, Played, open_front

SETTINGS = ServerSettings(body_bytes_max=200_000, head_s=10, body_s=60, idle_s=15, write_stall_s=30)
PROBE = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def front(request: pytest.FixtureRequest) -> Generator[Opened]:
    factory: Callable[[], asyncio.AbstractEventLoop] = request.param
    with open_front(SETTINGS, factory) as opened:
        yield opened


def call(model: str, *lines: bytes, version: bytes = b"1.1", stream: bool = True) -> bytes:
    """A call of a model of the played hallway."""
    flag = b"true" if stream else b"false"
    body = b'{"model":"%b","stream":%b,"messages":[{"role":"user","content":"a"}]}' % (model.encode(), flag)
    head = b"POST /v1/chat/completions HTTP/%b\r\nHost: localhost\r\nContent-Type: application/json\r\n" % version
    return head + b"".join(line + b"\r\n" for line in lines) + b"Content-Length: %d\r\n\r\n" % len(body) + body


def ask(path: str, number: int = 0, method: str = "GET") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: r{number}\r\n\r\n".encode()


def test_many_requests_follow_each_other(front: Opened) -> None:
    with front.connect() as line:
        for number in range(3):
            answer = line.send(ask("/health", number)).read()
            assert (answer.status, answer.headers["x-request-id"]) == (200, f"r{number}")
            assert answer.headers["date"].endswith("GMT")
            assert not answer.headers.keys() & {"server", "connection", "transfer-encoding"}
            assert line.send(call("any", stream=False)).read().body == ANSWER
            assert line.send(ask("/nowhere")).read().status == 404
            assert line.send(ask("/health", method="PUT")).read().status == 405


def test_a_thousand_requests_sent_ahead_are_served_in_order(front: Opened) -> None:
    with front.connect() as line:
        paths = ("/health", "/nowhere", "/v1/models")
        raw = b"".join(ask(paths[number % 3], number) for number in range(1_000))
        assert len(raw) < 2 * PIPELINED_BYTES_MAX
        line.send(raw[: PIPELINED_BYTES_MAX // 2]).send(raw[PIPELINED_BYTES_MAX // 2 :])
        assert [line.read().headers["x-request-id"] for _ in range(1_000)] == [f"r{number}" for number in range(1_000)]


def test_who_sends_too_much_ahead_is_served_no_further(front: Opened) -> None:
    with front.connect() as line:
        line.send(call("hold", stream=False))
        front.wait_until(lambda: bool(front.hallway.calls))
        line.send(ask("/health") * 5_000)
        connection = next(iter(front.server._front._connections))
        front.wait_until(lambda: connection._deaf)
        front.tell(front.hallway.release.set)
        assert line.read().body == ANSWER
        assert line.at_end()
    assert len(front.hallway.calls) == 1


def test_a_head_is_asked_for_without_a_body(front: Opened) -> None:
    with front.connect() as line:
        whole = line.send(ask("/health")).read()
        bare = line.send(ask("/", method="HEAD")).read(bare=True)
        assert (bare.status, bare.body) == (200, b"")
        assert int(bare.headers["content-length"]) > 0
        assert line.send(ask("/nowhere", method="HEAD")).read(bare=True).status == 404
        assert line.send(ask("/health")).read().body == whole.body


def test_a_stream_comes_in_chunks_and_ends_with_the_connection_where_they_are_not_known(front: Opened) -> None:
    with front.connect() as line:
        answer = line.send(call("stream")).read()
        assert answer.headers["transfer-encoding"] == "chunked"
        assert answer.body == EVENT * 10 + b"data: [DONE]\n\n"
        assert line.send(PROBE).read().status == 200
    with front.connect() as line:
        answer = line.send(call("stream", version=b"1.0")).read()
        assert "transfer-encoding" not in answer.headers
        assert answer.headers["connection"] == "close"
        assert answer.body == EVENT * 10 + b"data: [DONE]\n\n"


def test_a_stream_that_was_cut_does_not_look_whole(front: Opened) -> None:
    with front.connect() as line:
        line.send(call("cut"))
        with pytest.raises(Exception, match=r"IncompleteRead|reset"):
            line.read()


def test_who_asks_to_close_is_closed(front: Opened) -> None:
    for raw in (call("stream", b"Connection: close"), call("any", b"Connection: close", stream=False)):
        with front.connect() as line:
            assert line.send(raw).read().headers["connection"] == "close"
            assert line.at_end()


def test_a_body_that_is_waited_for_is_asked_for(front: Opened) -> None:
    raw = call("any", b"Expect: 100-continue", stream=False)
    head, _, body = raw.partition(b"\r\n\r\n")
    with front.connect() as line:
        line.send(head + b"\r\n\r\n")
        assert line.socket.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert line.send(body).read().body == ANSWER
        assert line.send(raw).read().status == 200
        # A body that will not be taken is not asked for.
        line.send(head.replace(b"application/json", b"text/plain") + b"\r\n\r\n")
        assert line.read().status == 415
        assert line.at_end()


@pytest.mark.parametrize("framing", [b"Content-Length: 400000", b"Transfer-Encoding: chunked"])
def test_a_body_that_is_too_long_is_refused_while_it_comes(front: Opened, framing: bytes) -> None:
    head = b"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + framing
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with front.connect() as line:
        line.send(head + b"\r\n\r\n")
        for _ in range(40):
            line.send(chunk)
        answer = line.read()
        assert (answer.status, answer.headers["connection"]) == (413, "close")
        assert answer.body.startswith(b'{"type":"error"')
        assert line.at_end()
    assert not front.hallway.calls


def test_a_client_that_leaves_ends_its_call(front: Opened) -> None:
    for leave in (Line.close, Line.end, hang_up_harshly):
        for model in ("hold", "flood"):
            front.hallway.calls.clear()
            front.hallway.ended.clear()
            line = front.connect().send(call(model))
            front.wait_until(lambda: bool(front.hallway.calls))
            leave(line)
            front.wait_until(lambda: bool(front.hallway.ended))
            assert front.hallway.calls[-1].departure.left
            line.close()
    front.wait_until(lambda: front.server._front.connections == 0)


def hang_up_harshly(line: Line) -> None:
    """Leave with a reset."""
    line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    line.close()


def test_who_only_ends_his_side_is_answered_where_that_takes_no_model(front: Opened) -> None:
    with front.connect() as line:
        assert line.send(PROBE).end().read().status == 200
        assert line.at_end()
    with front.connect() as line:
        assert line.send(PROBE[:10]).end().at_end()


def test_a_request_that_does_not_come_is_not_waited_for(front: Opened) -> None:
    head = call("any").partition(b"\r\n\r\n")[0]
    for sent, kept_s, over_s in ((head, 9.0, 11.0), (head + b"\r\n\r\n{", 4.0, 7.0)):
        with front.connect() as line:
            line.send(sent)
            front.wait_until(lambda: {c._state for c in front.server._front._connections} <= {"head", "body"})
            front.pass_time(kept_s)
            front.pass_time(over_s)
            answer = line.read()
            assert (answer.status, answer.headers["connection"]) == (408, "close")
            assert line.send(b"x" * 1000).at_end()
        front.wait_until(lambda: front.server._front.connections == 0)


def test_a_body_may_take_its_time_while_it_comes(front: Opened) -> None:
    raw = b"Transfer-Encoding: chunked\r\n\r\n186a0\r\n" + b" " * 70_000
    with front.connect() as line:
        line.send(call("any").partition(b"Content-Length")[0] + raw)
        front.wait_until(lambda: [c._reader.received for c in front.server._front._connections] == [70_000])
        front.pass_time(59.0)
        front.pass_time(61.0)
        assert line.read().status == 408


def test_an_idle_connection_is_closed_and_a_busy_one_is_not(front: Opened) -> None:
    with front.connect() as idle, front.connect() as fresh, front.connect() as busy:
        assert idle.send(PROBE).read().status == 200
        busy.send(call("hold", stream=False))
        front.wait_until(lambda: front.server._front.connections == 3 and bool(front.hallway.calls))
        front.pass_time(14.0)
        assert front.server._front.connections == 3
        front.pass_time(16.0)
        assert idle.at_end()
        assert fresh.at_end()
        front.tell(front.hallway.release.set)
        assert busy.read().status == 200


def test_who_stops_reading_is_waited_for_and_then_left(front: Opened) -> None:
    line = front.connect()
    line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.send(call("flood"))
    connections = front.server._front._connections
    front.wait_until(lambda: any(connection.paused for connection in connections))
    connection = next(iter(connections))
    assert connection._transport is not None
    assert connection._transport.get_write_buffer_size() < WRITE_BYTES_HIGH + 2 * len(EVENT)
    sent_bytes = front.hallway.sent_bytes
    front.pass_time(29.0)
    front.pass_time(29.0)
    assert front.server._front.connections == 1
    assert front.hallway.sent_bytes == sent_bytes
    front.pass_time(31.0)
    front.wait_until(lambda: bool(front.hallway.ended))
    assert front.server._front.connections == 0
    line.close()


class Pipe(asyncio.Transport):
    """A transport whose other end reads when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.left_bytes = 0
        self.aborted = False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        return

    def get_write_buffer_size(self) -> int:
        return self.left_bytes

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.left_bytes += len(data)

    def abort(self) -> None:
        self.aborted = True


@pytest.mark.anyio
async def test_who_takes_a_kibibyte_a_second_is_not_left() -> None:
    settings = ServerSettings(write_stall_s=30, idle_s=3600)
    front = Front(Noting(Played(), settings), settings, connections_max=1)
    pipe, connection = Pipe(), front.open()
    connection.connection_made(pipe)
    now_s = asyncio.get_running_loop().time()
    connection.write(b"x" * 1_000_000)
    connection.pause_writing()
    for taken_bytes in (31_000, 40_000, 31_000):
        pipe.left_bytes -= taken_bytes
        now_s += 31.0
        connection.check(now_s)
        assert not pipe.aborted
    # What is written meanwhile is nothing the client took.
    connection.write(b"x" * 50_000)
    pipe.left_bytes -= 20_000
    for elapsed_s in (1.0, 30.0):
        connection.check(now_s + elapsed_s)
        assert not pipe.aborted
    pipe.left_bytes -= 30_000
    connection.check(now_s + 32.0)
    assert pipe.aborted


def test_the_hosts_that_were_named_are_answered_to() -> None:
    with open_front(ServerSettings(hosts=("Gateway.example",))) as front, front.connect() as line:
        assert line.send(PROBE.replace(b"localhost", b"gateway.example:80")).read().status == 200
        answer = line.send(PROBE).read()
        assert (answer.status, answer.headers["connection"]) == (400, "close")


def test_more_connections_than_there_is_room_for_are_closed() -> None:
    with open_front(connections_max=3) as front:
        kept = [front.connect() for _ in range(3)]
        front.wait_until(lambda: front.server._front.connections == 3)
        with front.connect() as line:
            assert line.at_end()
        for line in kept:
            assert line.send(PROBE).read().status == 200
            line.close()
        front.wait_until(lambda: front.server._front.connections == 0)
        with front.connect() as line:
            assert line.send(PROBE).read().status == 200
