"""The gate: what is refused before a door opens, and by which rule."""

import pytest

from tallygate.api.head import Head, read_head
from tallygate.api.middleware import check_body, match, render
from tallygate.api.urls import URLS, Route
from tallygate.errors import (
    LengthRequired,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    TallygateError,
    UnsupportedEncoding,
    UnsupportedMediaType,
)

JSON = (b"content-type", b"application/json")
LENGTH = (b"content-length", b"10")


def head_of(*headers: tuple[bytes, bytes]) -> Head:
    """The head of a POST with these headers."""
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    return read_head(b"POST / HTTP/1.1\r\nhost: localhost\r\n" + lines)


@pytest.mark.parametrize("route", URLS, ids=lambda route: f"{route.methods[0]} {route.path}")
def test_every_address_is_reached_by_each_of_its_methods(route: Route) -> None:
    for method in route.methods:
        assert match(method, route.path.replace("{model}", "a")).route == route


@pytest.mark.parametrize(
    "path",
    [
        "/v1", "/v1/", "/v1/chat", "/v1/chat/completions/", "//v1/models", "/V1/models", "/v1/../health", "/%68ealth",
        "/health/", "/health;x", "/v1/models/", "/v1/models/%ff", "\\health", "", "/.env", "/v1/chat%2fcompletions",
    ],
)  # fmt: skip
def test_an_address_that_is_not_in_the_table_is_nothing(path: str) -> None:
    with pytest.raises(NotFound):
        match("GET", path)


@pytest.mark.parametrize("path", ["lab/qwen", "lab%2Fqwen", "lab%2fqwen"])
def test_a_model_with_a_slash_is_found_encoded_or_not(path: str) -> None:
    assert match("GET", f"/v1/models/{path}").slots == {"model": "lab/qwen"}


def test_a_place_in_the_middle_is_one_part_and_one_at_the_end_the_whole_rest() -> None:
    for path, line, slots in (
        ("/v1/receipts/call_1", "/v1/receipts/{id}", {"id": "call_1"}),
        ("/v1/receipts/call_1/proof", "/v1/receipts/{id}/proof", {"id": "call_1"}),
        ("/v1/receipts/a%2Fb/proof", "/v1/receipts/{id}/proof", {"id": "a/b"}),
        ("/v1/receipts/a/b/proof", "/v1/receipts/{id}", {"id": "a/b/proof"}),
        ("/v1/receipts/proof", "/v1/receipts/{id}", {"id": "proof"}),
        ("/log/tile/0/x001/234", "/log/tile/{name}", {"name": "0/x001/234"}),
    ):
        found = match("GET", path)
        assert (found.route.path, found.slots) == (line, slots)
    for path in ("/v1/receipts/", "/v1/receipts/%ff/proof%ff", "/log/tile/", "/v1/receipts/%00"):
        with pytest.raises(NotFound):
            match("GET", path)
    with pytest.raises(MethodNotAllowed) as raised:
        match("GET", "/v1/receipts/verify")
    assert raised.value.details == {"allow": "POST"}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "TRACE", "post"])
def test_another_method_is_refused_and_told_which_to_use(method: str) -> None:
    with pytest.raises(MethodNotAllowed) as raised:
        match(method, "/v1/chat/completions")
    assert raised.value.details == {"allow": "POST"}


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ((JSON,), LengthRequired),
        ((JSON, (b"content-length", b"1025")), PayloadTooLarge),
        ((JSON, LENGTH, (b"content-encoding", b"gzip")), UnsupportedEncoding),
        ((JSON, LENGTH, (b"content-encoding", b"gzip, gzip")), UnsupportedEncoding),
        ((LENGTH,), UnsupportedMediaType),
        ((LENGTH, (b"content-type", b"text/plain")), UnsupportedMediaType),
        ((LENGTH, (b"content-type", b"application/json; charset=utf-16")), UnsupportedMediaType),
        ((LENGTH, (b"content-type", b"application/jsonx")), UnsupportedMediaType),
    ],
)
def test_a_body_is_refused_by_what_its_headers_say(
    headers: tuple[tuple[bytes, bytes], ...], error: type[TallygateError]
) -> None:
    with pytest.raises(error):
        check_body(head_of(*headers), 1024)


@pytest.mark.parametrize(
    "content_type", [b"application/json", b"Application/JSON; charset=UTF-8", b'application/json;charset="utf-8"']
)
def test_json_is_taken_however_it_is_spelt(content_type: bytes) -> None:
    check_body(head_of(LENGTH, (b"content-type", content_type)), 1024)
    check_body(head_of((b"transfer-encoding", b"chunked"), (b"content-type", content_type)), 1024)


def test_a_refused_method_names_the_right_one_in_a_header() -> None:
    reply = render(MethodNotAllowed(details={"allow": "POST"}), "openai_chat", "req_1")
    assert reply.status == 405
    assert ("allow", "POST") in reply.headers
    assert ("x-should-retry", "false") in reply.headers
