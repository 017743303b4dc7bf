"""The bytes of a request: where it goes, what it says, and that nothing in it becomes a second one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.errors import ProviderUnreachable
from tallygate.transport.base import OutgoingRequest
from tallygate.transport.request import Address, Place, find_address, write_head

URL = "http://lab:8000/v1/chat"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://lab", Address(Place(False, "lab", 80), "/", "lab")),
        ("https://lab", Address(Place(True, "lab", 443), "/", "lab")),
        ("http://lab:443/", Address(Place(False, "lab", 443), "/", "lab:443")),
        ("https://LAB:443/A", Address(Place(True, "lab", 443), "/A", "lab")),
        ("http://lab:8000/a%2Fb?x=%2F&y", Address(Place(False, "lab", 8000), "/a%2Fb?x=%2F&y", "lab:8000")),
        ("http://lab?x", Address(Place(False, "lab", 80), "/?x", "lab")),
        ("http://lab/a#b", Address(Place(False, "lab", 80), "/a", "lab")),
        ("http://[::1]:8000/", Address(Place(False, "::1", 8000), "/", "[::1]:8000")),
        ("http://b\xfccher.example/", Address(Place(False, "xn--bcher-kva.example", 80), "/", "xn--bcher-kva.example")),
    ],
)
def test_a_url_is_taken_apart_and_stays_as_it_is(url: str, address: Address) -> None:
    assert find_address(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "", "lab", "/v1", "http:", "http://", "http:///v1", "ftp://lab", "file:///etc/passwd", "http://lab:0/", "http://lab:x/",
        "http://lab:70000/", "http://[::1", "http://a b/", "http://lab/a b", "http://lab/\r\nx: y", "http://lab\n/",
        "http://user@lab/", "http://user:pass@lab/", "http://good\\@bad/", "http://lab\\bad/", "http://lab/\xfc",
        "http://lab/\x7f", "http://a..b/", f"http://{'a' * 70}/", "http://lab\t/",
    ],
)  # fmt: skip
def test_what_cannot_be_called_is_not(url: str) -> None:
    with pytest.raises(ProviderUnreachable, match="not one that can be called"):
        find_address(url)


def head_of(method: str = "POST", headers: tuple[tuple[str, str], ...] = (), body: bytes = b"{}") -> str:
    request = OutgoingRequest(method, URL, headers, body)
    return write_head(find_address(URL), request).decode("latin-1")


def test_a_head_says_what_is_named_and_no_more() -> None:
    line, *headers = head_of(headers=(("x-api-key", "k"),)).removesuffix("\r\n\r\n").split("\r\n")
    assert line == "POST /v1/chat HTTP/1.1"
    assert headers[0] == "host: lab:8000"
    assert headers[1].startswith("user-agent: tallygate/")
    assert headers[2:] == ["accept-encoding: identity", "x-api-key: k", "content-length: 2"]


def test_a_body_has_a_length_and_a_question_none() -> None:
    assert "content-length: 0\r\n" in head_of(body=b"")
    assert "content-length" not in head_of("GET", body=b"")


def test_another_user_agent_replaces_ours() -> None:
    assert head_of(headers=(("user-agent", "lab"),)).count("user-agent") == 1


@pytest.mark.parametrize("value", ["a\r\nb: c", "a\nb", "a\rb", "a\0b", "a\x7fb", "caf\u0113", "\x1b[0m", "a\x0bb"])
def test_a_value_that_could_end_its_line_is_refused_and_not_repeated(value: str) -> None:
    with pytest.raises(ValueError, match="cannot be sent") as caught:
        head_of(headers=(("authorization", value),))
    assert value not in str(caught.value)


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\r\nb", "X-Api-Key", "caf\xe9"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not one that can be sent"):
        head_of(headers=((name, "x"),))


@pytest.mark.parametrize("name", ["content-length", "transfer-encoding", "host", "connection", "expect", "upgrade"])
def test_nobody_else_says_how_a_request_is_framed(name: str) -> None:
    with pytest.raises(ValueError, match="not one that can be sent"):
        head_of(headers=((name, "1"),))


@pytest.mark.parametrize("method", ["HEAD", "CONNECT", "get", "G ET", "GET / HTTP/1.1\r\nx:"])
def test_a_method_that_is_framed_otherwise_is_refused(method: str) -> None:
    with pytest.raises(ValueError, match="not one that can be sent"):
        head_of(method)


@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=12)), max_size=5), st.binary(max_size=20))
def test_whatever_stands_in_the_headers_a_request_is_one(headers: list[tuple[str, str]], body: bytes) -> None:
    try:
        head = head_of(headers=tuple(headers), body=body)
    except ValueError:
        return
    lines = head.split("\r\n")
    assert lines[-2:] == ["", ""]
    assert len(lines) == 4 + len(headers) + ("user-agent" not in dict(headers)) + 2
    assert all(line and "\n" not in line and "\r" not in line for line in lines[:-2])
