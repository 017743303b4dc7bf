"""A client that tries a WebSocket for responses is told at once to use POST, whatever key it has."""

import pytest

from tests.contract.gateway import Gateway

WEBSOCKET = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
]


@pytest.mark.parametrize("headers", [WEBSOCKET, []])
def test_there_are_no_websockets(gateway: Gateway, headers: list[tuple[str, str]]) -> None:
    for key in (gateway.key, "lx-nobody"):
        reply = gateway.ask("GET", "/v1/responses", None, headers, key=key)
        assert reply.status == 426
        assert reply.json["error"]["code"] == "upgrade_required"
        assert reply.headers["x-should-retry"] == "false"
