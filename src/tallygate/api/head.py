"""The head of an HTTP/1.1 request, read strictly: what two readers could understand differently is refused.

Pure: bytes in, a `Head` or a refusal out (RFC 9112 sections 2 to 3, RFC 9110 sections 5 and 7). What a gateway and
the proxy before it read differently is how one request hides in another, so nothing here is mended or guessed at.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from tallygate.errors import HeaderTooLarge, MethodNotAllowed, RequestError, UriTooLong

HEAD_BYTES_MAX: Final = 32 * 1024
TARGET_BYTES_MAX: Final = 8 * 1024
FIELDS_MAX: Final = 100
VALUE_BYTES_MAX: Final = 8 * 1024
CREDENTIAL_BYTES_MAX: Final = 1024

METHODS: Final = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
"""Whoever sends another one is answered and believed no more."""

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
_REQUEST_LINE = re.compile(rb"(%b{1,64}) ([!-~]+) HTTP/1\.([01])\r\n" % _TOKEN)
# Values hold no control character but the tab. Nothing is looked at twice, whatever comes: no part of a field gives
# back what it took, and a search goes on behind a line end only.
_FIELD = rb"(%b++):([^\x00-\x08\x0a-\x1f\x7f]*+)\r\n"
_FIELDS = re.compile(rb"(?<=\n)" + _FIELD % _TOKEN.replace(b"_", b""))
_ALL_FIELDS = re.compile(rb"(?<=\n)" + _FIELD % _TOKEN)
FIELD: Final = re.compile(_FIELD % _TOKEN)
_HOST = re.compile(rb"([A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")
_LENGTH = re.compile(rb"[0-9]{1,19}")
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)", re.IGNORECASE)
_LONE_LINE_END = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)|\x00")
_BEGINNING = re.compile(rb"\r?|%b{1,64}(?: [!-~]*(?: [!-~]{0,8}\r?)?)?" % _TOKEN)

_ONCE: Final = frozenset({b"host", b"content-length", b"transfer-encoding"})
_LIMITS: Final[Mapping[bytes, int]] = MappingProxyType(
    dict.fromkeys((b"authorization", b"x-api-key", b"x-goog-api-key"), CREDENTIAL_BYTES_MAX)
)

Pairs = tuple[tuple[bytes, bytes], ...]


class Head(Struct, frozen=True):
    """What the head of a request says.

    `path` is raw and without the query; `headers` are (lower-case name, value) pairs in order, without those whose
    name has an underscore; `fields` has them by name, several of one name joined by commas. `length` is the body's in
    bytes, None if it comes in chunks, 0 if there is none. `keeps`: the client may send another request on this
    connection; `chunks`: it understands an answer in chunks; `expects`: it waits to be told to send the body.
    """

    method: str
    path: str
    query: bytes
    headers: Pairs
    fields: Mapping[bytes, bytes]
    length: int | None
    keeps: bool
    chunks: bool
    expects: bool

    @property
    def has_body(self) -> bool:
        """Whether anything follows the head."""
        return self.length != 0


def read_head(raw: bytes, hosts: frozenset[str] = frozenset()) -> Head:
    """The head in `raw`, which ends with the line end of its last field. `hosts`: the names this gateway answers to, in
    lower case; any, if there are none.

    Raises: RequestError, MethodNotAllowed, UriTooLong, HeaderTooLarge.
    """
    line = _REQUEST_LINE.match(raw)
    check_sizes(raw)
    if line is None:
        raise RequestError("The request line must be a method, an address and HTTP/1.1, with one space between them.")
    method, target, minor = line[1].decode(), line[2], line[3]
    headers, fields = _read_fields(raw, line.end())
    if method == "CONNECT":
        raise MethodNotAllowed("This is no proxy.", details={"allow": ", ".join(METHODS)})
    host = _read_host(fields, hosts, required=minor == b"1")
    path, _, query = _read_target(target, host).partition(b"?")
    return Head(
        method=method,
        path=path.decode(),
        query=query,
        headers=headers,
        fields=fields,
        length=_read_length(fields, minor),
        keeps=minor == b"1" and method in METHODS and not _lists(fields, b"connection", b"close"),
        chunks=minor == b"1",
        expects=minor == b"1" and _lists(fields, b"expect", b"100-continue"),
    )


def check_beginning(raw: bytes, start: int) -> None:
    """Refuse as soon as it is certain that no head can come of these bytes, of which those before `start` were looked
    at already: who speaks TLS, or ends lines otherwise, must not wait for a deadline. Raises what `read_head` raises.
    """
    check_sizes(raw)
    if _LONE_LINE_END.search(raw, start):
        raise RequestError("Lines of a request must end with CR LF, and hold neither of them elsewhere.")
    begins = _REQUEST_LINE.match(raw) if b"\n" in raw else _BEGINNING.fullmatch(raw)
    if begins is None:
        raise RequestError("This is not HTTP/1.1. The gateway is spoken to in plain HTTP; TLS ends before it.")


def check_sizes(raw: bytes) -> None:
    """Bound the address and the head as a whole. Raises UriTooLong, HeaderTooLarge."""
    if len(raw) > TARGET_BYTES_MAX:
        end = raw.find(b"\n")
        first = raw[: end if end >= 0 else len(raw)].split(b" ", 2)
        if len(first) > 1 and len(first[1]) > TARGET_BYTES_MAX:
            raise UriTooLong
        if len(raw) > HEAD_BYTES_MAX:
            raise HeaderTooLarge(f"The headers are more than {HEAD_BYTES_MAX} bytes in all.")


def _read_fields(raw: bytes, start: int) -> tuple[Pairs, dict[bytes, bytes]]:
    """The fields from `start` to the end, in order, and by name."""
    found: list[tuple[bytes, bytes]] = _FIELDS.findall(raw, start)
    # A field is one line, so a line that is none, or has an underscore in its name, is missing in the count.
    if len(found) != raw.count(b"\n", start):
        found = _drop_underscored(raw, start)
    if len(found) > FIELDS_MAX:
        raise HeaderTooLarge(f"The request has {len(found)} headers; at most {FIELDS_MAX} are taken.")
    headers = tuple([(name.lower(), value.strip(b" \t")) for name, value in found])
    if len(raw) > CREDENTIAL_BYTES_MAX:
        _check_values(headers)
    fields = dict(headers)
    return headers, fields if len(fields) == len(headers) else _join(headers)


def _drop_underscored(raw: bytes, start: int) -> list[tuple[bytes, bytes]]:
    """The fields without those whose name has an underscore: some servers take it for the name with a dash, and whoever
    means that one must write it.
    """
    found: list[tuple[bytes, bytes]] = _ALL_FIELDS.findall(raw, start)
    if len(found) != raw.count(b"\n", start):
        raise RequestError("A header is malformed: a name, a colon and a value, on one line that ends with CR LF.")
    if len(found) > FIELDS_MAX:
        return found
    return [(name, value) for name, value in found if b"_" not in name]


def _check_values(headers: Pairs) -> None:
    for name, value in headers:
        if len(value) > _LIMITS.get(name, VALUE_BYTES_MAX):
            raise HeaderTooLarge(f"The header {name[:64].decode()} is {len(value)} bytes long.")


def _join(headers: Pairs) -> dict[bytes, bytes]:
    """Several fields of one name are one list (RFC 9110 section 5.3), but for those that can only be one thing."""
    fields: dict[bytes, bytes] = {}
    for name, value in headers:
        if name not in fields:
            fields[name] = value
        elif name in _ONCE:
            raise RequestError(f"The header {name.decode()} may stand once only.")
        else:
            fields[name] += b", " + value
    return fields


def _read_host(fields: Mapping[bytes, bytes], hosts: frozenset[str], *, required: bool) -> bytes | None:
    host = fields.get(b"host")
    if host is None:
        if required or hosts:
            raise RequestError("The header Host is missing.")
        return None
    match = _HOST.fullmatch(host)
    if match is None:
        raise RequestError("The header Host must be a name or an address, and a port if need be.")
    if hosts and match[1].decode().lower() not in hosts:
        raise RequestError("The gateway does not answer to this Host.")
    return host


def _read_target(target: bytes, host: bytes | None) -> bytes:
    """The path and query of a request's address. Proxies are asked with a whole URL; here it must be our own."""
    if target[:1] == b"/":
        return target
    whole = _ABSOLUTE.match(target)
    if whole is None or host is None or whole[1].lower() != host.lower():
        raise RequestError("The address must be a path that begins with a slash.")
    rest = target[whole.end() :]
    return rest if rest[:1] == b"/" else b"/" + rest


def _read_length(fields: Mapping[bytes, bytes], minor: bytes) -> int | None:
    """The length of the body (RFC 9112 section 6.3), read so that nobody can read it otherwise."""
    length, encoding = fields.get(b"content-length"), fields.get(b"transfer-encoding")
    if encoding is not None:
        if length is not None:
            raise RequestError("Content-Length and Transfer-Encoding may not stand together.")
        if minor == b"0" or encoding.lower() != b"chunked":
            raise RequestError("The only Transfer-Encoding taken is chunked, in HTTP/1.1.")
        return None
    if length is None:
        return 0
    if not _LENGTH.fullmatch(length):
        raise RequestError("Content-Length must be one number of bytes.")
    return int(length)


def _lists(fields: Mapping[bytes, bytes], name: bytes, token: bytes) -> bool:
    value = fields.get(name)
    return value is not None and any(item.strip() == token for item in value.lower().split(b","))
