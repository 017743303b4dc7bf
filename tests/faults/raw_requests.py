"""Requests as nobody should send them, byte by byte, and what each is answered: the framing corpus.

A row has its raw bytes, the statuses that will do, and whether the connection ends with the answer. `CALL` is a sound
call; a row hides another one, `HIDDEN`, wherever two readers could disagree about where the first ends.
"""

from typing import NamedTuple

HIDDEN = b"GET /v1/models/hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"
BODY = b'{"model":"mock/echo","messages":[{"role":"user","content":"hello"}]}'
JSON = b"Content-Type: application/json\r\n"


class Row(NamedTuple):
    """One input. `closes`: None where both will do."""

    name: str
    raw: bytes
    statuses: tuple[int, ...]
    closes: bool | None = True

    def __str__(self) -> str:
        return self.name


def post(*lines: bytes, body: bytes = BODY, start: bytes = b"POST /v1/chat/completions HTTP/1.1") -> bytes:
    """A POST with a Host, a content type and these lines."""
    return start + b"\r\nHost: localhost\r\n" + JSON + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


def get(*lines: bytes, start: bytes = b"GET /health HTTP/1.1") -> bytes:
    """A GET with these lines and no others."""
    return start + b"\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def chunked(body: bytes, *lines: bytes) -> bytes:
    """A POST whose body is framed by hand."""
    return post(b"Transfer-Encoding: chunked", *lines, body=body)


LENGTH = b"Content-Length: %d" % len(BODY)
CHUNK = b"%x\r\n%b\r\n" % (len(BODY), BODY)
HOST = b"Host: localhost"
CALL = post(LENGTH)

BOTH = [
    Row("length and chunks", post(LENGTH, b"Transfer-Encoding: chunked"), (400,)),
    Row("chunks and length", post(b"Transfer-Encoding: chunked", LENGTH, body=CHUNK + b"0\r\n\r\n"), (400,)),
    Row("a second request behind chunks and length",
        post(b"Transfer-Encoding: chunked", b"Content-Length: 5", body=b"0\r\n\r\n" + HIDDEN), (400,)),
    Row("a second request behind length and chunks",
        post(b"Content-Length: %d" % (5 + len(HIDDEN)), b"Transfer-Encoding: chunked", body=b"0\r\n\r\n" + HIDDEN),
        (400,)),
]  # fmt: skip

LENGTHS = [
    Row(f"Content-Length {value!r}", post(b"Content-Length: " + value), (400, 413))
    for value in (
        b"5, 5", b"%d, %d" % (len(BODY), len(BODY)), b"+5", b"-1", b"0x5", b"5_0", b"5 0", b"5.0",
        b"18446744073709551621", b"99999999999999999999999999", b"", b"five", b"\xd9\xa5", b"5;", b"5\x00",
    )
] + [
    Row("two equal lengths", post(LENGTH, LENGTH), (400,)),
    Row("two different lengths", post(LENGTH, b"Content-Length: 5"), (400,)),
    Row("a blank before the colon", post(b"Content-Length : 5"), (400,)),
    Row("a tab before the colon", post(b"Content-Length\t: 5"), (400,)),
    Row("a length above the limit", post(b"Content-Length: 33554433", body=b""), (413,)),
    Row("a length of sixteen digits", post(b"Content-Length: 9999999999999999", body=b""), (413,)),
    Row("no length", post(body=b""), (411,)),
    Row("no length, and a body", post(body=HIDDEN), (411,)),
]  # fmt: skip

ENCODINGS = [
    Row(f"Transfer-Encoding {value!r}", post(b"Transfer-Encoding: " + value, body=CHUNK + b"0\r\n\r\n"), (400, 501))
    for value in (
        b"xchunked", b"chunked, identity", b"identity", b"\x0bchunked", b"chunked, chunked", b"gzip, chunked",
        b"chunked;a", b"", b"chunked\x00", b",chunked", b"chunked,", b"\"chunked\"", b"cow",
    )
] + [
    Row("chunked twice", chunked(CHUNK + b"0\r\n\r\n", b"Transfer-Encoding: chunked"), (400,)),
    Row("an encoding on a line of its own", post(b"Transfer-Encoding:\r\n chunked", body=CHUNK + b"0\r\n\r\n"), (400,)),
    Row("an encoding on two lines", post(b"Transfer-Encoding: chunked\r\n , identity", body=CHUNK), (400,)),
    Row("chunks in HTTP/1.0",
        post(b"Transfer-Encoding: chunked", start=b"POST /v1/chat/completions HTTP/1.0", body=CHUNK + b"0\r\n\r\n"),
        (400,)),
]  # fmt: skip

CHUNKS = [
    Row(f"a chunk of size {size!r}", chunked(size + b"\r\n" + BODY + b"\r\n0\r\n\r\n"), (400, 413))
    for size in (
        b"0x44", b"44 ", b" 44", b"00000000000000044", b"-1", b"", b"4g", b"+44", b"44\t", b"44\x00", b"44 ;a=b",
        b"\"44\"", b"ffffffffffffffff", b"fffffffffffffffff", b"80000000", b"7fffffffffffffff", b"44;\x00", b"44;\x7f",
    )
] + [
    Row("chunk lines that end with LF", chunked(b"44\n" + BODY + b"\n0\n\n"), (400,)),
    Row("a chunk that ends with LF", chunked(b"44\r\n" + BODY + b"\n0\r\n\r\n"), (400,)),
    Row("a chunk longer than its size", chunked(b"43\r\n" + BODY + b"\r\n0\r\n\r\n"), (400,)),
    Row("a chunk whose end is missing", chunked(b"44\r\n" + BODY + b"0\r\n\r\n"), (400,)),
    Row("a chunk size that ends with CR", chunked(b"44\r" + BODY), (400,)),
    Row("an extension of 64 KiB", chunked(b"44;" + b"a" * 65536 + b"\r\n" + BODY + b"\r\n0\r\n\r\n"), (400,)),
    Row("many small extensions",
        chunked(b"".join(b"1;" + b"a" * 900 + b"\r\n \r\n" for _ in range(30)) + b"0\r\n\r\n"), (400,)),
    Row("a trailer of 64 KiB", chunked(CHUNK + b"0\r\nA: " + b"a" * 65536 + b"\r\n\r\n"), (400,)),
    Row("a trailer that is none", chunked(CHUNK + b"0\r\nno colon\r\n\r\n"), (400,)),
    Row("a trailer that is folded", chunked(CHUNK + b"0\r\nA: b\r\n c\r\n\r\n"), (400,)),
    Row("a trailer that ends with LF", chunked(CHUNK + b"0\r\nA: b\n\r\n"), (400,)),
]  # fmt: skip

SOUND = [
    Row("a call", CALL, (200,), closes=False),
    Row("blanks around a length", post(b"Content-Length: \t%d \t" % len(BODY)), (200,), closes=False),
    Row("a length with zeros before it", post(b"Content-Length: 000%d" % len(BODY)), (200,), closes=False),
    Row("a body in chunks", chunked(CHUNK + b"0\r\n\r\n"), (200,), closes=False),
    Row("chunked in capitals", post(b"Transfer-Encoding: CHUNKED", body=CHUNK + b"0\r\n\r\n"), (200,), closes=False),
    Row("a short extension", chunked(b'44;a="b"\r\n' + BODY + b"\r\n0;c\r\n\r\n"), (200,), closes=False),
    Row("trailers that would change the request",
        chunked(CHUNK + b"0\r\nContent-Length: 9\r\nAuthorization: Bearer x\r\nHost: evil\r\n\r\n"), (200,),
        closes=False),
    Row("an empty line before the request", b"\r\n" + CALL, (200,), closes=False),
    Row("a body with a GET", get(HOST, b"Content-Length: 5") + b"hello", (200,), closes=False),
    Row("a length of nothing with a GET", get(HOST, b"Content-Length: 0"), (200,), closes=False),
    Row("our own address in full", get(HOST, start=b"GET http://localhost/health HTTP/1.1"), (200,), closes=False),
    Row("an upgrade to h2c",
        get(HOST, b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"),
        (200,), closes=False),
    Row("an upgrade to a websocket",
        get(HOST, b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13",
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), (200,), closes=False),
    Row("an underscore in the encoding's name", post(LENGTH, b"Transfer_Encoding: chunked"), (200,), closes=False),
    Row("an underscore in the length's name", post(LENGTH, b"Content_Length: 5"), (200,), closes=False),
    Row("a length listed as hop by hop", post(LENGTH, b"Connection: content-length"), (200,), closes=False),
    Row("credentials listed as hop by hop", post(LENGTH, b"Connection: authorization"), (200,), closes=False),
    Row("Expect: 100-continue", post(LENGTH, b"Expect: 100-continue"), (200,), closes=False),
    Row("an expectation nobody knows", post(LENGTH, b"Expect: x"), (200, 417), closes=None),
    Row("a continuation nobody knows", post(LENGTH, b"Expect: y 100-continue"), (200, 417), closes=None),
    Row("a host with a port", get(b"Host: localhost:8255"), (200,), closes=False),
    Row("a host that is an address", get(b"Host: [::1]:8255"), (200,), closes=False),
    Row("the last request", get(HOST, b"Connection: close"), (200,)),
    Row("HTTP/1.0", get(start=b"GET /health HTTP/1.0"), (200,)),
    Row("HTTP/1.0, a call", post(LENGTH, start=b"POST /v1/chat/completions HTTP/1.0"), (200,)),
]  # fmt: skip

HEADS = [
    Row("lines that end with LF", b"GET /health HTTP/1.1\nHost: localhost\n\n", (400,)),
    Row("one line that ends with LF", b"GET /health HTTP/1.1\r\nHost: localhost\nA: b\r\n\r\n", (400,)),
    Row("a request line that ends with LF", b"GET /health HTTP/1.1\nHost: localhost\r\n\r\n", (400,)),
    Row("a line that ends with CR", b"GET /health HTTP/1.1\r\nHost: localhost\rA: b\r\n\r\n", (400,)),
    Row("a zero in a value", get(HOST, b"A: b\x00c"), (400,)),
    Row("a zero in a name", get(HOST, b"A\x00: b"), (400,)),
    Row("a folded value", get(HOST, b"A: b\r\n c"), (400,)),
    Row("a folded first field", b"GET /health HTTP/1.1\r\n Host: localhost\r\n\r\n", (400,)),
    Row("an empty name", get(HOST, b": b"), (400,)),
    Row("no colon", get(HOST, b"nonsense"), (400,)),
    Row("a blank in a name", get(HOST, b"A b: c"), (400,)),
    Row("a name that is not ASCII", get(HOST, "Ä: b".encode()), (400,)),
    Row("a quoted name", get(HOST, b'"A": b'), (400,)),
    Row("two empty lines before the request", b"\r\n\r\n" + get(HOST), (400,)),
    Row("LF before the request", b"\n" + get(HOST), (400,)),
    Row("a blank before the method", b" " + get(HOST), (400,)),
    Row("TLS", bytes.fromhex("16030100a5010000a10303") + b"\x00" * 20, (400,)),
    Row("another protocol", b"SSH-2.0-OpenSSH_9.2\r\n", (400,)),
    Row("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 405, 505)),
]  # fmt: skip

HOSTS = [
    Row(f"Host {value!r}", get(b"Host: " + value), (400,))
    for value in (
        b"a/?x=", b"a#", b"a@b", b"a b", b"", b"a,b", b"a:b", b"a:80:80", b"[::1", b"::1", b"a\\b", b"http://a", b"-",
        b"a:999999", "ä".encode(),
    )
] + [
    Row("no Host", get(), (400,)),
    Row("two hosts", get(HOST, HOST), (400,)),
    Row("two different hosts", get(HOST, b"Host: evil"), (400,)),
]  # fmt: skip

TARGETS = [
    Row("another host's address in full", get(HOST, start=b"GET http://evil/health HTTP/1.1"), (400,)),
    Row("an address of a user", get(HOST, start=b"GET http://a@localhost/health HTTP/1.1"), (400,)),
    Row("another scheme", get(HOST, start=b"GET ftp://localhost/health HTTP/1.1"), (400,)),
    Row("an authority", get(HOST, start=b"GET localhost:80 HTTP/1.1"), (400,)),
    Row("an asterisk", get(HOST, start=b"GET * HTTP/1.1"), (400,)),
    Row("no address", get(HOST, start=b"GET  HTTP/1.1"), (400,)),
    Row("a blank in the address", get(HOST, start=b"GET /health x HTTP/1.1"), (400,)),
    Row("a tab for a blank", get(HOST, start=b"GET\t/health\tHTTP/1.1"), (400,)),
    Row("two blanks", get(HOST, start=b"GET  /health HTTP/1.1"), (400,)),
    Row("a blank at the end", get(HOST, start=b"GET /health HTTP/1.1 "), (400,)),
    Row("an address that is not ASCII", get(HOST, start="GET /hälth HTTP/1.1".encode()), (400,)),
    Row("CONNECT", get(HOST, start=b"CONNECT evil:443 HTTP/1.1"), (400, 405)),
    Row("TRACE", get(HOST, start=b"TRACE /health HTTP/1.1"), (400, 405)),
    Row("PRI", get(HOST, start=b"PRI /health HTTP/1.1"), (400, 405)),
    Row("a method in small letters", get(HOST, start=b"get /health HTTP/1.1"), (400, 405)),
    Row("a method of 1 KiB", get(HOST, start=b"G" * 1024 + b" /health HTTP/1.1"), (400, 405)),
    Row("a method in brackets", get(HOST, start=b"(GET) /health HTTP/1.1"), (400, 405)),
    Row("an address of 9 KiB", get(HOST, start=b"GET /" + b"a" * 9216 + b" HTTP/1.1"), (414,)),
    Row("a request line of 70 KiB", get(HOST, start=b"GET /" + b"a" * 71680 + b" HTTP/1.1"), (414,)),
    Row("a request line without an end", b"GET /" + b"a" * 71680, (414,)),
]  # fmt: skip

VERSIONS = [
    Row(f"version {version!r}", get(HOST, start=b"GET /health" + version), (400, 505))
    for version in (
        b" HTTP/1.10", b" HTTP/9.9", b"", b" HTTP/2.0", b" HTTP/1", b" HTTP/1.", b" http/1.1", b" HTTP/1.2",
        b" HTTP/0.9", b" HTTP/1.1x", b" HTTPS/1.1", b" HTTP/+1.1", b" HTTP/01.1", b" ",
    )
]  # fmt: skip

SIZES = [
    Row("101 headers", get(HOST, *(b"A: b" for _ in range(100))), (431,)),
    Row("2,000 headers", get(HOST, *(b"A: b" for _ in range(2000))), (431,)),
    Row("a value of 9 KiB", get(HOST, b"A: " + b"b" * 9216), (431,)),
    Row("a value of 70 KiB", get(HOST, b"A: " + b"b" * 71680), (431,)),
    Row("a name of 70 KiB", get(HOST, b"A" * 71680 + b": b"), (431,)),
    Row("headers of 36 KiB", get(HOST, *(b"A: " + b"b" * 1000 for _ in range(36))), (431,)),
    Row("a credential of 2 KiB", post(b"Authorization: Bearer " + b"a" * 2048, LENGTH), (431,)),
    Row("a credential of 1 MiB", post(b"x-api-key: " + b"a" * (1 << 20), LENGTH), (431,)),
    Row("headers without an end", b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + b"A: b\r\n" * 20000, (431,)),
]  # fmt: skip

CORPUS = [*BOTH, *LENGTHS, *ENCODINGS, *CHUNKS, *SOUND, *HEADS, *HOSTS, *TARGETS, *VERSIONS, *SIZES]
