"""Whose address the doors pass on: to who knows callers, and with a call to the hallway."""

import asyncio
from typing import Any

import pytest
from msgspec import structs

from tallygate.api.door import Request
from tallygate.api.doors import Doors
from tallygate.api.middleware import match
from tallygate.api.settings import ServerSettings
from tallygate.errors import InvalidApiKey
from tallygate.pipeline.call import Call, Departure
from tallygate.pipeline.run import Hallway
from tests.fakes.front import make_rooms

BODY = b'{"model":"m","messages":[{"role":"user","content":"x"}]}'
CASES = [
    (("10.0.0.0/8",), "10.0.0.1", "192.0.2.1"),
    (("10.0.0.0/8",), "198.51.100.1", "198.51.100.1"),
    ((), "10.0.0.1", "10.0.0.1"),
]


class Noted(Hallway):
    """A hallway that keeps what it is given."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    async def run(self, call: Call) -> None:
        self.calls.append(call)


class Heard:
    """An exchange that nobody leaves."""

    gone = False

    def tell(self, departure: Departure) -> None:
        assert not departure.left

    def reply(self, answer: Any) -> None:
        self.answer = answer


def send(method: str, path: str, peer: str) -> Request:
    said = ((b"authorization", b"Bearer k"), (b"x-forwarded-for", b"127.0.0.1, 192.0.2.1"))
    return Request(method, path, b"", said, BODY, "req_1", 0, peer=peer)


@pytest.mark.parametrize(("trusted", "peer", "client"), CASES)
def test_a_call_and_a_question_come_from_who_a_trusted_proxy_says(
    trusted: tuple[str, ...], peer: str, client: str
) -> None:
    asked: list[str] = []

    async def identify(_: object, from_where: str) -> Any:
        asked.append(from_where)
        raise InvalidApiKey

    hallway = Noted()
    doors = Doors(structs.replace(make_rooms(hallway), identify=identify), ServerSettings(trusted_proxies=trusted))
    for method, path in (("POST", "/v1/chat/completions"), ("GET", "/v1/key")):
        asyncio.run(doors.serve(match(method, path), send(method, path, peer), Heard()))  # pyright: ignore[reportArgumentType]
    assert asked == [client]
    assert [call.peer for call in hallway.calls] == [client]


@pytest.mark.parametrize("text", ["10.0.0.1/8", "x", ""])
def test_what_is_no_network_is_no_trusted_proxy(text: str) -> None:
    with pytest.raises(ValueError, match=r"net|host"):
        ServerSettings(trusted_proxies=(text,))
