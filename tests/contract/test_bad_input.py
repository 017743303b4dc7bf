"""Requests that must be refused, over raw sockets: status, code and field, in OpenAI's body, and nothing sent on.

One table per kind. `ANY` stands where several answers are right. Statuses, codes and what to do about them are in
docs/reference/errors.md.
"""

import gzip
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from tests.contract.gateway import Gateway, Reply
from tests.fakes.upstream import Upstream

CHAT = "/v1/chat/completions"
JSON = ("Content-Type", "application/json")
BODY_BYTES_MAX = 32 * 1024 * 1024
ANY = None

GOOD: dict[str, Any] = {"model": "up-echo", "messages": [{"role": "user", "content": "bad input"}]}
GOOD_BODY = json.dumps(GOOD).encode()


@pytest.fixture(autouse=True)
def nothing_goes_upstream(upstream: Upstream) -> Iterator[None]:
    """Every test of this file, whatever it sends, leaves no trace at the provider."""
    mark = upstream.mark()
    yield
    assert upstream.requests_since(mark) == []


def check_refusal(reply: Reply, status: int, code: str | set[str] | None, param: str | None = ANY) -> None:
    """The refusal an OpenAI client understands, with the headers that every refusal bears."""
    assert reply.status == status, reply.body[:500]
    assert reply.headers["content-type"].startswith("application/json")
    error = reply.json["error"]
    assert set(error) >= {"message", "type", "param", "code"}
    assert isinstance(error["message"], str)
    assert error["message"]
    assert code is ANY or error["code"] in ({code} if isinstance(code, str) else code), error
    assert param is ANY or error["param"] == param, error
    assert error["type"] == ("permission_denied" if status == 403 else "invalid_request_error")
    assert reply.headers["x-should-retry"] == "false"
    assert reply.headers["x-request-id"] == reply.headers["request-id"]
    assert reply.json.get("request_id") == reply.headers["x-request-id"]
    assert "traceback" not in reply.body.decode().lower()


def post(gateway: Gateway, body: bytes | Iterable[bytes] | None, *headers: tuple[str, str]) -> Reply:
    return gateway.ask("POST", CHAT, body, headers or [JSON], key=gateway.key)


def nested(depth: int) -> bytes:
    """A body whose deepest value lies that many arrays and objects deep, the body itself counted."""
    return GOOD_BODY[:-1] + b', "x": ' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


def with_field(name: str, raw: bytes) -> bytes:
    """A good body with one more or another field, its value as raw JSON."""
    kept = {key: value for key, value in GOOD.items() if key != name}
    return json.dumps(kept).encode()[:-1] + b', "' + name.encode() + b'": ' + raw + b"}"


NOT_JSON = {
    "empty": b"",
    "blank": b"  \n",
    "broken off": GOOD_BODY[:-1],
    "trailing comma": GOOD_BODY[:-1] + b",}",
    "comment": GOOD_BODY + b" // hello",
    "single quotes": b"{'model': 'up-echo'}",
    "two documents": GOOD_BODY + GOOD_BODY,
    "trailing bytes": GOOD_BODY + b"\x00",
    "not a number": with_field("temperature", b"NaN"),
    "infinity": with_field("temperature", b"Infinity"),
    "leading zero": with_field("max_tokens", b"01"),
    "hexadecimal": with_field("max_tokens", b"0x10"),
    "raw newline in a string": with_field("user", b'"a\nb"'),
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
def test_a_body_that_is_not_json(gateway: Gateway, body: bytes) -> None:
    check_refusal(post(gateway, body), 400, "invalid_json")


@pytest.mark.parametrize("body", [b"null", b'"x"', b"[]", b"7", b"true"])
def test_json_that_is_no_object(gateway: Gateway, body: bytes) -> None:
    check_refusal(post(gateway, body), 400, {"invalid_json", "invalid_request", "invalid_value"})


ENCODINGS = {
    "not UTF-8": with_field("user", b'"\xff\xfe"'),
    "overlong": with_field("user", b'"\xc0\xaf"'),
    "encoded surrogate": with_field("user", b'"\xed\xa0\x80"'),
    "UTF-16": GOOD_BODY.decode().encode("utf-16"),
    "UTF-16 without a mark": GOOD_BODY.decode().encode("utf-16-le"),
    "byte order mark": b"\xef\xbb\xbf" + GOOD_BODY,
    "lone surrogate": with_field("user", b'"\\ud800"'),
    "zero character": with_field("user", b'"a\\u0000b"'),
}


@pytest.mark.parametrize("body", ENCODINGS.values(), ids=ENCODINGS.keys())
def test_a_body_in_a_wrong_encoding(gateway: Gateway, body: bytes) -> None:
    check_refusal(post(gateway, body), 400, {"invalid_encoding", "invalid_string", "invalid_json"})


def test_the_code_tells_a_wrong_encoding_from_broken_json(gateway: Gateway) -> None:
    for name in ("not UTF-8", "overlong", "byte order mark"):
        check_refusal(post(gateway, ENCODINGS[name]), 400, "invalid_encoding")
    check_refusal(post(gateway, ENCODINGS["zero character"]), 400, "invalid_string")


@pytest.mark.parametrize("depth", [65, 1_000, 50_000])
def test_a_body_that_is_too_deep(gateway: Gateway, depth: int) -> None:
    check_refusal(post(gateway, nested(depth)), 400, "too_deep")


def test_a_hundred_thousand_open_brackets(gateway: Gateway) -> None:
    check_refusal(post(gateway, nested(100_000)), 400, {"too_deep", "too_large"})
    check_refusal(post(gateway, b"[" * 100_000), 400, {"too_deep", "too_large", "invalid_json"})


def test_a_body_with_a_million_members(gateway: Gateway) -> None:
    members = b",".join(b'"k%d":0' % number for number in range(1_000_000))
    check_refusal(post(gateway, with_field("x", b"{" + members + b"}")), 400, "too_large")


def test_a_number_of_five_thousand_digits(gateway: Gateway) -> None:
    check_refusal(post(gateway, with_field("max_tokens", b"9" * 5_000)), 400, {"invalid_value", "invalid_json"})


DUPLICATES = {
    "model": (b'{"model":"up-echo","messages":[{"role":"user","content":"x"}],"model":"mock/echo"}', "model"),
    "escaped": (b'{"model":"up-echo","messages":[{"role":"user","content":"x"}],"\\u006dodel":"mock/echo"}', "model"),
    "unknown": (GOOD_BODY[:-1] + b',"x":1,"x":1}', "x"),
}


@pytest.mark.parametrize(("body", "param"), DUPLICATES.values(), ids=DUPLICATES.keys())
def test_a_key_that_stands_twice(gateway: Gateway, body: bytes, param: str) -> None:
    check_refusal(post(gateway, body), 400, "duplicate_key", param)


WRONG_VALUES: list[tuple[str, bytes, str]] = [
    ("model", b"5", "model"),
    ("model", b"null", "model"),
    ("model", b'["up-echo"]', "model"),
    ("messages", b'"hello"', "messages"),
    ("messages", b"[]", "messages"),
    ("messages", b"null", "messages"),
    ("messages", b"[5]", "messages[0]"),
    ("messages", b'[{"content":"x"}]', "messages[0].role"),
    ("messages", b'[{"role":"root","content":"x"}]', "messages[0].role"),
    ("messages", b'[{"role":"user","content":5}]', "messages[0].content"),
    ("messages", b'[{"role":"user","content":null}]', "messages[0].content"),
    ("messages", b'[{"role":"user","content":[[]]}]', "messages[0].content[0]"),
    ("messages", b'[{"role":"user","content":[{"text":"x"}]}]', "messages[0].content[0].type"),
    ("stream", b'"yes"', "stream"),
    ("stream", b"1", "stream"),
    ("stream_options", b'"x"', "stream_options"),
    ("stream_options", b'{"include_usage":"yes"}', "stream_options.include_usage"),
    ("max_tokens", b"-1", "max_tokens"),
    ("max_tokens", b"0", "max_tokens"),
    ("max_tokens", b"1.5", "max_tokens"),
    ("max_tokens", b'"10"', "max_tokens"),
    ("max_tokens", b"true", "max_tokens"),
    ("max_tokens", b"18446744073709551616", "max_tokens"),
    ("max_tokens", b"1e308", "max_tokens"),
    ("max_completion_tokens", b"-1", "max_completion_tokens"),
    ("max_completion_tokens", b'"10"', "max_completion_tokens"),
    ("n", b"0", "n"),
    ("n", b"-1", "n"),
    ("n", b"1000000000", "n"),
    ("n", b"9223372036854775808", "n"),
    ("n", b'"2"', "n"),
    ("temperature", b'"hot"', "temperature"),
    ("temperature", b"-1", "temperature"),
    ("temperature", b"1e308", "temperature"),
    ("top_p", b"2", "top_p"),
    ("top_p", b'"x"', "top_p"),
    ("seed", b"1.5", "seed"),
    ("seed", b"340282366920938463463374607431768211456", "seed"),
    ("stop", b"5", "stop"),
    ("stop", b'[""]', "stop"),
    ("stop", json.dumps(["x"] * 1_000).encode(), "stop"),
    ("tools", b'"x"', "tools"),
    ("tools", b"[5]", "tools[0]"),
    ("tool_choice", b"5", "tool_choice"),
    ("response_format", b"5", "response_format"),
]
VALUE_CODES = {"invalid_value", "missing_required_parameter", "invalid_request"}


@pytest.mark.parametrize(("name", "raw", "param"), WRONG_VALUES, ids=[f"{n}={r[:24]!r}" for n, r, _ in WRONG_VALUES])
def test_a_field_with_a_wrong_value(gateway: Gateway, name: str, raw: bytes, param: str) -> None:
    reply = post(gateway, with_field(name, raw))
    check_refusal(reply, 400, VALUE_CODES)
    assert reply.json["error"]["param"].startswith(param), reply.json


@pytest.mark.parametrize("name", ["model", "messages"])
def test_a_required_field_that_is_missing(gateway: Gateway, name: str) -> None:
    body = json.dumps({key: value for key, value in GOOD.items() if key != name}).encode()
    check_refusal(post(gateway, body), 400, "missing_required_parameter", name)


def test_two_different_caps_on_the_answer(gateway: Gateway) -> None:
    body = json.dumps({**GOOD, "max_tokens": 5, "max_completion_tokens": 6}).encode()
    reply = post(gateway, body)
    check_refusal(reply, 400, "invalid_value")
    assert reply.json["error"]["param"] in {"max_tokens", "max_completion_tokens"}


UNKNOWN_MODELS = [
    "nobody/has-this",
    " up-echo",
    "UP-ECHO",
    "up-echo ",
    "up-echo.",
    "up-echo\u200b",
    "../up-echo",
    "lab",
]


@pytest.mark.parametrize("model", UNKNOWN_MODELS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_model_that_is_not_here_is_never_a_near_match(gateway: Gateway, model: str, stream: bool) -> None:
    reply = gateway.chat({**GOOD, "model": model, "stream": stream})
    check_refusal(reply, 404, "model_not_found", "model")


@pytest.mark.parametrize("model", ["", "x" * 10_000])
def test_a_model_name_without_measure(gateway: Gateway, model: str) -> None:
    reply = gateway.chat({**GOOD, "model": model})
    check_refusal(reply, reply.status, {"model_not_found", "invalid_value", "missing_required_parameter"}, "model")
    assert reply.status in {400, 404}
    assert len(reply.body) < 2_000


def test_a_body_one_byte_too_large_with_its_length(gateway: Gateway) -> None:
    body = GOOD_BODY + b" " * (BODY_BYTES_MAX + 1 - len(GOOD_BODY))
    check_refusal(post(gateway, body), 413, "payload_too_large")


def test_a_body_whose_length_alone_is_too_large_is_not_waited_for(gateway: Gateway) -> None:
    reply = post(gateway, None, JSON, ("Content-Length", str(BODY_BYTES_MAX + 1)))
    check_refusal(reply, 413, "payload_too_large")
    assert reply.headers["connection"] == "close"


def test_a_chunked_body_one_byte_too_large(gateway: Gateway) -> None:
    piece = b" " * 65_536
    head = b"%x\r\n" % len(piece)
    chunked = [head + piece + b"\r\n"] * (BODY_BYTES_MAX // len(piece)) + [b"1\r\n \r\n", b"0\r\n\r\n"]
    check_refusal(post(gateway, chunked, JSON), 413, "payload_too_large")


TYPES = [
    "text/plain",
    "application/json; charset=utf-16",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "",
]


@pytest.mark.parametrize("content_type", TYPES)
def test_a_body_of_another_type(gateway: Gateway, content_type: str) -> None:
    check_refusal(post(gateway, GOOD_BODY, ("Content-Type", content_type)), 415, "unsupported_media_type")


def test_a_body_without_a_type(gateway: Gateway) -> None:
    check_refusal(post(gateway, GOOD_BODY, ("Accept", "*/*")), 415, "unsupported_media_type")


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd", "gzip, gzip"])
def test_a_compressed_body(gateway: Gateway, encoding: str) -> None:
    reply = post(gateway, gzip.compress(GOOD_BODY), JSON, ("Content-Encoding", encoding))
    check_refusal(reply, 415, "unsupported_encoding")


def test_a_post_without_a_body(gateway: Gateway) -> None:
    reply = post(gateway, None, JSON)
    check_refusal(reply, reply.status, {"length_required", "invalid_json"})
    assert reply.status in {400, 411}


METHODS = [
    ("GET", CHAT, "POST"),
    ("PUT", CHAT, "POST"),
    ("DELETE", CHAT, "POST"),
    ("PATCH", CHAT, "POST"),
    ("OPTIONS", CHAT, "POST"),
    ("TRACE", CHAT, "POST"),
    ("POST", "/v1/models", "GET"),
    ("DELETE", "/v1/models/up-echo", "GET"),
    ("POST", "/health", "GET"),
    ("PUT", "/", "GET, HEAD"),
]


@pytest.mark.parametrize(("method", "path", "allow"), METHODS)
def test_a_method_the_address_does_not_take(gateway: Gateway, method: str, path: str, allow: str) -> None:
    reply = gateway.ask(method, path, key=gateway.key)
    check_refusal(reply, 405, "method_not_allowed")
    assert sorted(reply.headers["allow"].split(", ")) == allow.split(", ")


PATHS = [
    *("/v1", "/v1/", "/v1/chat", "/v1/chat/completions/", "//v1/chat/completions", "/V1/chat/completions", "/.env"),
    *("/v1/%63hat/completions", "/v1/../v1/chat/completions", "/v1/chat/completions;x", "/v1/unknown?x=1", "/admin"),
]


@pytest.mark.parametrize("path", PATHS)
def test_an_address_where_nothing_is(gateway: Gateway, path: str) -> None:
    reply = gateway.ask("POST", path, GOOD_BODY, [JSON], key=gateway.key)
    check_refusal(reply, 404, "not_found")


def test_a_target_without_end(gateway: Gateway) -> None:
    reply = gateway.ask("GET", "/v1/models/" + "x" * 9_000)
    check_refusal(reply, 414, "uri_too_long")


def test_too_many_headers(gateway: Gateway) -> None:
    many = [(f"X-Number-{number}", "x") for number in range(200)]
    check_refusal(post(gateway, GOOD_BODY, JSON, *many), 431, "header_too_large")


SHORT_AND_PLAIN = ["trace-1", "a", "A.b_c-9", "x" * 128]
NEITHER = ["x" * 129, "a b", "../etc", "host:80", "", "caf\xe9", "a,b"]


@pytest.mark.parametrize("given", SHORT_AND_PLAIN)
def test_a_plain_request_id_is_kept(gateway: Gateway, given: str) -> None:
    for headers, status in (([JSON, ("X-Request-ID", given)], 400), ([("X-Request-ID", given)], 415)):
        reply = post(gateway, b"{", *headers)
        assert reply.status == status
        assert reply.headers["x-request-id"] == reply.headers["request-id"] == given


@pytest.mark.parametrize("given", NEITHER)
def test_any_other_request_id_is_replaced(gateway: Gateway, given: str) -> None:
    reply = post(gateway, b"{", JSON, ("X-Request-ID", given))
    check_refusal(reply, 400, "invalid_json")
    assert reply.headers["x-request-id"] != given
    assert re.fullmatch(r"[A-Za-z0-9._-]{8,128}", reply.headers["x-request-id"])
