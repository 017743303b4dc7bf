"""Heads of requests: what they say, which are refused, and that no head takes long to judge."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.api.head import (
    CREDENTIAL_BYTES_MAX,
    FIELDS_MAX,
    HEAD_BYTES_MAX,
    TARGET_BYTES_MAX,
    VALUE_BYTES_MAX,
    Head,
    check_beginning,
    read_head,
)
from tallygate.errors import HeaderTooLarge, MethodNotAllowed, RequestError, TallygateError, UriTooLong

HOST = b"host: localhost"


def head(*lines: bytes, start: bytes = b"GET / HTTP/1.1") -> bytes:
    """The bytes of a head, up to the end of its last field."""
    return b"".join(line + b"\r\n" for line in (start, *lines))


def read(*lines: bytes, start: bytes = b"GET / HTTP/1.1") -> Head:
    return read_head(head(*lines, start=start))


def test_a_head_says_what_it_says() -> None:
    lines = (HOST, b"Content-Length: 5", b"X-A:  b\t", b"x-a: c, d", b"Accept: \xe4", b"Empty:")
    found = read(*lines, start=b"POST /a%2Fb?c=d?e HTTP/1.1")
    assert (found.method, found.path, found.query, found.length) == ("POST", "/a%2Fb", b"c=d?e", 5)
    assert found.headers == (
        (b"host", b"localhost"), (b"content-length", b"5"), (b"x-a", b"b"), (b"x-a", b"c, d"), (b"accept", b"\xe4"),
        (b"empty", b""),
    )  # fmt: skip
    assert found.fields[b"x-a"] == b"b, c, d"
    assert (found.keeps, found.chunks, found.expects, found.has_body) == (True, True, False, True)


@pytest.mark.parametrize(
    ("lines", "version", "keeps"),
    [
        ((), b"1.1", True),
        ((b"Connection: keep-alive",), b"1.1", True),
        ((b"Connection: close",), b"1.1", False),
        ((b"Connection: foo, CLOSE",), b"1.1", False),
        ((b"Connection: foo", b"Connection: close"), b"1.1", False),
        ((b"Connection: closed",), b"1.1", True),
        ((), b"1.0", False),
        ((b"Connection: keep-alive",), b"1.0", False),
    ],
)
def test_whether_a_connection_goes_on(lines: tuple[bytes, ...], version: bytes, keeps: bool) -> None:
    assert read(HOST, *lines, start=b"GET / HTTP/" + version).keeps is keeps


def test_who_waits_to_send_a_body_says_so() -> None:
    assert read(HOST, b"Expect: 100-Continue").expects
    assert not read(HOST, b"Expect: y 100-continue").expects
    assert not read(HOST, b"Expect: 100-continue", start=b"GET / HTTP/1.0").expects


def test_names_with_underscores_are_left_out() -> None:
    found = read(HOST, b"Content_Length: 5", b"X-Forwarded-For: a", b"X_Forwarded_For: b", b"_: c")
    assert found.headers == ((b"host", b"localhost"), (b"x-forwarded-for", b"a"))
    assert found.length == 0


def test_only_the_names_that_were_given_are_answered_to() -> None:
    hosts = frozenset({"gateway.example", "[::1]"})
    for host in (b"gateway.example", b"Gateway.Example:8255", b"[::1]:80"):
        assert read_head(head(b"host: " + host), hosts).path == "/"
    for raw in (head(b"host: evil"), head(b"host: gateway.example.evil"), head(start=b"GET / HTTP/1.0")):
        with pytest.raises(RequestError):
            read_head(raw, hosts)


def test_an_address_in_full_must_be_our_own() -> None:
    for target, path in ((b"http://LOCALHOST", "/"), (b"https://localhost/a", "/a"), (b"http://localhost?b", "/")):
        assert read(HOST, start=b"GET " + target + b" HTTP/1.1").path == path
    for target in (
        b"http://localhost:80/",
        b"http://evil/",
        b"http://localhost@evil/",
        b"http:///",
        b"http:/localhost",
    ):
        with pytest.raises(RequestError):
            read(HOST, start=b"GET " + target + b" HTTP/1.1")


def test_a_proxys_method_is_refused_by_its_name() -> None:
    with pytest.raises(MethodNotAllowed):
        read(HOST, start=b"CONNECT evil:443 HTTP/1.1")


def test_the_limits_are_the_last_that_pass() -> None:
    full = [HOST, *(b"a: b" for _ in range(FIELDS_MAX - 1))]
    assert len(read(*full).headers) == FIELDS_MAX
    read(HOST, b"a: " + b"b" * VALUE_BYTES_MAX)
    read(HOST, b"authorization: " + b"b" * CREDENTIAL_BYTES_MAX)
    read(HOST, start=b"GET /" + b"a" * (TARGET_BYTES_MAX - 1) + b" HTTP/1.1")
    for lines in (
        [*full, b"a: b"],
        [*full, b"a_b: c"],
        [HOST, b"a: " + b"b" * (VALUE_BYTES_MAX + 1)],
        [HOST, b"Authorization: " + b"b" * (CREDENTIAL_BYTES_MAX + 1)],
        [HOST, *(b"a: " + b"b" * 8000 for _ in range(5))],
    ):
        with pytest.raises(HeaderTooLarge):
            read(*lines)
    with pytest.raises(UriTooLong):
        read(HOST, start=b"GET /" + b"a" * TARGET_BYTES_MAX + b" HTTP/1.1")


@given(st.binary(max_size=200), st.integers(0, 200))
def test_a_beginning_that_is_refused_never_becomes_a_head(tail: bytes, cut: int) -> None:
    raw = head(HOST, b"a: b")[:cut] + tail
    try:
        check_beginning(raw, 0)
    except TallygateError:
        with pytest.raises(TallygateError):
            read_head(raw + b"\r\n" + head(HOST))


@given(
    st.lists(st.sampled_from([b"\r\n", b"\n", b" ", b"\t", b":", b"a", b"_", b"\x00", b"GET / HTTP/1.1", b"host: a"]))
)
def test_a_head_is_read_or_refused_and_its_lines_are_what_it_is_made_of(pieces: list[bytes]) -> None:
    raw = b"".join(pieces) + b"\r\n"
    try:
        found = read_head(raw)
    except TallygateError:
        return
    lines = raw.split(b"\r\n")[1:-1]
    plain = [line for line in lines if b"_" not in line.partition(b":")[0]]
    assert [name + b":" + value for name, value in found.headers] == [
        line.partition(b":")[0].lower() + b":" + line.partition(b":")[2].strip(b" \t") for line in plain
    ]


@pytest.mark.parametrize(
    "filler", [b"a", b" ", b"\t ", b"a:", b": ", b"a: b\r\n", b"\r\n ", b"\r", b"\n", b"_", b"a_: b\r\n", b"\x00"]
)
def test_no_head_is_looked_at_twice(filler: bytes) -> None:
    """A hundred of the worst heads in the time a test has: quadratic ones would take minutes."""
    raw = (head(HOST, b"a: ")[:-2] + filler * HEAD_BYTES_MAX)[: HEAD_BYTES_MAX - 2] + b"\r\n"
    for _ in range(100):
        for judge in (read_head, lambda raw: check_beginning(raw, 0)):
            try:
                judge(raw)
            except TallygateError:
                pass
