"""The end of a front door: who asks for nothing is let go, who is being answered may finish, for a while."""

import asyncio

from tallygate.api.settings import ServerSettings
from tests.api.test_connection import PROBE, call
from tests.fakes.front import ANSWER, EVENT, open_front


def test_who_is_being_answered_may_finish_and_is_then_closed() -> None:
    with open_front() as front:
        idle, asking, busy = front.connect(), front.connect(), front.connect()
        assert idle.send(PROBE).read().status == 200
        asking.send(PROBE.replace(b"/health", b"/ready")[:-2])
        busy.send(call("hold", stream=False))
        front.wait_until(lambda: bool(front.hallway.calls))
        front.stop()
        assert idle.at_end()
        ready = asking.send(b"\r\n").read()
        assert (ready.status, ready.headers["connection"]) == (503, "close")
        assert asking.at_end()
        front.tell(front.hallway.release.set)
        answer = busy.read()
        assert (answer.body, answer.headers["connection"]) == (ANSWER, "close")
        assert busy.at_end()
        for line in (idle, asking, busy):
            line.close()
        front.wait_until_stopped()


def test_a_call_that_comes_too_late_is_told_to_come_back() -> None:
    with open_front() as front:
        late, busy = front.connect().send(call("any", stream=False)[:-1]), front.connect().send(call("hold"))
        front.wait_until(lambda: bool(front.hallway.calls) and front.server._front.connections == 2)
        front.stop()
        answer = late.send(call("any", stream=False)[-1:]).read()
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
        front.tell(front.hallway.release.set)
        busy.close()
        late.close()


def test_what_takes_longer_than_the_grace_ends_in_an_error() -> None:
    with open_front(ServerSettings(drain_s=0)) as front:
        line = front.connect().send(call("hold", stream=False))
        front.wait_until(lambda: bool(front.hallway.calls))
        front.stop()
        answer = line.read()
        assert answer.status == 503
        assert b"shutting_down" in answer.body
        line.close()
        front.wait_until_stopped()


def test_who_is_told_twice_does_not_wait() -> None:
    with open_front() as front:
        line = front.connect().send(call("flood"))
        assert line.socket.recv(len(EVENT))
        front.stop()
        front.wait_until(lambda: front.server._front.draining)
        front.stop()
        with line:
            body = line.read_raw()
        assert b"shutting_down" in body
        assert body.endswith(b"0\r\n\r\n")
        front.wait_until_stopped()


def test_a_client_that_reads_nothing_does_not_hold_up_the_end() -> None:
    with open_front(ServerSettings(drain_s=0)) as front:
        line = front.connect().send(call("flood"))
        front.wait_until(lambda: any(connection.paused for connection in front.server._front._connections))
        front.stop()
        front.wait_until_stopped()
        assert len(front.hallway.ended) == 1
        line.close()


def test_the_date_is_of_this_second() -> None:
    with open_front() as front:
        front.tell(lambda: setattr(front.server._front, "date", "date: long ago\r\n"))
        front.tell(front.server._front._tick)
        with front.connect() as line:
            assert line.send(PROBE).read().headers["date"].endswith("GMT")


def test_tasks_outlive_their_connection() -> None:
    with open_front() as front:
        line = front.connect().send(call("hold"))
        front.wait_until(lambda: bool(front.hallway.calls))
        front.tell(front.hallway.calls[0].departure.stay)
        line.close()
        front.wait_until(lambda: front.server._front.connections == 0)
        assert not front.hallway.ended
        front.tell(front.hallway.release.set)
        front.wait_until(lambda: bool(front.hallway.ended))
        assert asyncio.all_tasks(front.loop)
