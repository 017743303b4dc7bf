"""An answer that nobody asked for is given to nobody, also if this process has not come to read it yet."""

import socket
import threading

import pytest

from tallygate.transport.base import Timeouts
from tests.transport.wire import answer, going_out, post, read_all

pytestmark = pytest.mark.anyio

WAIT_S = 10.0


async def test_a_surplus_answer_still_unread_is_not_taken_for_the_next_one() -> None:
    surplus, sent = threading.Event(), threading.Event()

    def serve() -> None:
        with listener.accept()[0] as first:
            first.recv(65_536)
            first.sendall(answer(b"mine"))
            surplus.wait(WAIT_S)
            first.sendall(answer(b"nobody's"))
            sent.set()
            with listener.accept()[0] as second:
                second.recv(65_536)
                second.sendall(answer(b"mine too"))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(WAIT_S)
        server = threading.Thread(target=serve)
        server.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with going_out() as exit_:
            assert await read_all(await exit_.send(post(url), Timeouts())) == b"mine"
            surplus.set()
            sent.wait(WAIT_S)  # without giving the event loop a turn: the surplus waits unread in the socket
            assert await read_all(await exit_.send(post(url), Timeouts())) == b"mine too"
        server.join(WAIT_S)
