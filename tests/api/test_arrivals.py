"""Bodies on their way: how much of them is held, and who gives way."""

from hypothesis import given
from hypothesis import strategies as st

from tallygate.api.arrivals import Arrivals
from tallygate.api.settings import ServerSettings
from tests.fakes.front import open_front

LIMIT = 64 * 1024
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"


class Body:
    """One body on its way."""

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals
        self.gone = False

    def give_way(self) -> None:
        """As a connection: it refuses, and is forgotten once more."""
        self.gone = True
        self._arrivals.forget(self)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 60)), max_size=40))
def test_never_more_is_held_than_allowed_and_the_largest_gives_way(steps: list[tuple[int, int]]) -> None:
    arrivals = Arrivals(100)
    bodies, sizes = [Body(arrivals) for _ in range(5)], [0] * 5
    for place, more in steps:
        if bodies[place].gone:
            continue
        sizes[place] += more
        before = [at for at in range(5) if not bodies[at].gone]
        arrivals.note(bodies[place], sizes[place])
        stay = [at for at in before if not bodies[at].gone]
        gone = sorted(sizes[at] for at in before if bodies[at].gone)
        assert arrivals.held_bytes == sum(sizes[at] for at in stay) <= 100
        # Nobody had to go who could have stayed, and nobody larger stayed.
        assert not gone or arrivals.held_bytes + gone[0] > 100
        assert not gone or all(sizes[at] <= gone[0] for at in stay)


def test_what_is_whole_is_held_no_more() -> None:
    arrivals = Arrivals(100)
    body = Body(arrivals)
    arrivals.note(body, 60)
    arrivals.forget(body)
    arrivals.forget(body)
    assert arrivals.held_bytes == 0


def test_whoever_fills_the_room_leaves_it_and_others_are_served() -> None:
    settings = ServerSettings(body_bytes_max=LIMIT, arriving_bytes_max=LIMIT)
    with open_front(settings) as front:
        greedy, honest = front.connect(), front.connect()
        greedy.send(HEAD % LIMIT + b" " * (LIMIT - 1))
        front.wait_until(lambda: front.server._front.arrivals.held_bytes == LIMIT - 1)
        body = b'{"model":"any","messages":[{"role":"user","content":"hi"}]}'
        honest.send(HEAD % len(body) + body[:20])
        answer = greedy.read()
        assert (answer.status, answer.headers["retry-after"], answer.headers["connection"]) == (503, "1", "close")
        assert b"server_busy" in answer.body
        assert honest.send(body[20:]).read().status == 200
        front.wait_until(lambda: front.server._front.arrivals.held_bytes == 0)
        greedy.close()
        honest.close()


def test_who_leaves_in_the_middle_is_forgotten() -> None:
    with open_front() as front:
        line = front.connect().send(HEAD % 100 + b"{")
        front.wait_until(lambda: front.server._front.arrivals.held_bytes == 1)
        line.close()
        front.wait_until(lambda: front.server._front.arrivals.held_bytes == 0)
