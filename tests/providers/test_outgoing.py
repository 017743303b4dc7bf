"""What goes out to a provider: its address, its key, and nothing of the caller's own sign-in."""

import pytest
from msgspec import structs

from tallygate.genai.secret import Secret
from tallygate.providers.base import Auth, Provider
from tallygate.providers.outgoing import NEVER_FORWARDED, outgoing

LAB = Provider(
    name="lab",
    title="Lab",
    base_url="https://lab.example/inference",
    speaks={"openai_chat": "/v1/chat/completions"},
    key=Secret("sk-lab"),
)


def test_a_call_goes_to_the_path_of_its_dialect_with_the_body_untouched() -> None:
    request = outgoing(LAB, "openai_chat", b'{ "model" : "x" }', stream=False)
    assert (request.method, request.url) == ("POST", "https://lab.example/inference/v1/chat/completions")
    assert request.body == b'{ "model" : "x" }'
    assert dict(request.headers) == {
        "content-type": "application/json",
        "accept": "application/json",
        "authorization": "Bearer sk-lab",
    }


def test_a_stream_is_asked_for_as_one() -> None:
    request = outgoing(LAB, "openai_chat", b"{}", stream=True)
    assert dict(request.headers)["accept"] == "text/event-stream, application/json"


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ("bearer", "authorization", "Bearer sk-lab"),
        ("x-api-key", "x-api-key", "sk-lab"),
        ("x-goog-api-key", "x-goog-api-key", "sk-lab"),
    ],
)
def test_the_key_travels_in_the_header_of_the_row(auth: Auth, header: str, value: str) -> None:
    request = outgoing(structs.replace(LAB, auth=auth), "openai_chat", b"{}", stream=False)
    assert dict(request.headers)[header] == value
    assert str(request.headers).count("sk-lab") == 1


@pytest.mark.parametrize("row", [structs.replace(LAB, auth="none"), structs.replace(LAB, key=None)])
def test_no_key_is_sent_where_none_is_wanted_or_known(row: Provider) -> None:
    request = outgoing(row, "openai_chat", b"{}", stream=False)
    assert {name for name, _ in request.headers} == {"content-type", "accept"}


def test_a_row_s_headers_are_sent_and_win_over_forwarded_ones() -> None:
    row = structs.replace(LAB, headers={"X-Team": "research"})
    forwarded = [("x-team", "mine"), ("x-session-id", "s1")]
    headers = dict(outgoing(row, "openai_chat", b"{}", forwarded, stream=False).headers)
    assert headers["x-team"] == "research"
    assert headers["x-session-id"] == "s1"


@pytest.mark.parametrize("name", sorted(NEVER_FORWARDED))
def test_the_caller_s_sign_in_and_connection_stay_here(name: str) -> None:
    row = structs.replace(LAB, auth="none")
    headers = outgoing(row, "openai_chat", b"{}", [(name, "lx-caller")], stream=False).headers
    assert "lx-caller" not in str(headers)


def test_neither_a_row_nor_a_request_shows_the_key_when_printed() -> None:
    assert "sk-lab" not in repr(LAB)
    assert "sk-lab" not in repr(outgoing(LAB, "openai_chat", b"{}", stream=False))
