"""What a request's own headers say of the call that it becomes."""

import pytest

from tallygate.api.door import Request
from tallygate.api.inference import open_call
from tallygate.api.urls import URLS
from tallygate.errors import InvalidValue
from tests.fakes.exits import KeptClient

CHAT = next(route for route in URLS if route.path == "/v1/chat/completions")
BODY = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'


def read_timeout(*values: bytes) -> int | None:
    """How long a call with these headers may take."""
    headers = tuple((b"x-tallygate-timeout-ms", value) for value in values)
    request = Request("POST", CHAT.path, b"", headers, BODY, "req_1", 0)
    return open_call(request, CHAT, KeptClient(), json_depth_max=64).timeout_ms


def test_a_caller_may_say_how_long_its_call_may_take() -> None:
    assert read_timeout() is None
    assert read_timeout(b" 1500 ") == 1_500
    assert read_timeout(b"999999999") == 999_999_999


@pytest.mark.parametrize("values", [(b"",), (b"0",), (b"-1",), (b"1.5",), (b"soon",), (b"1" * 10,), (b"5", b"5")])
def test_what_is_no_time_is_refused(values: tuple[bytes, ...]) -> None:
    with pytest.raises(InvalidValue, match="x-tallygate-timeout-ms"):
        read_timeout(*values)
