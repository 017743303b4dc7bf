"""From a request to its bytes: where it goes, and the head it goes with.

Pure. What is written here cannot be turned into a second request by a value inside it: whatever could end a line is
refused. Requests follow RFC 9112 sections 2 and 3.
"""

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from tallygate import __version__
from tallygate.errors import ProviderUnreachable
from tallygate.transport.base import OutgoingRequest

METHODS = frozenset({"DELETE", "GET", "PATCH", "POST", "PUT"})
"""HEAD and CONNECT are framed by other rules, and no provider needs them."""

_OURS = frozenset({"accept-encoding", "connection", "content-length", "expect", "host", "transfer-encoding", "upgrade"})
_USER_AGENT = f"user-agent: tallygate/{__version__}\r\n"
_PORTS = {"http": 80, "https": 443}

_is_name = lru_cache(maxsize=1024)(re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+").fullmatch)
_find_unsayable = re.compile(r"[^\t\x20-\x7e\x80-\xff]").search
_is_target = re.compile(r"/[\x21-\x7e]*").fullmatch
_is_host = re.compile(r"[0-9A-Za-z._~!$&'()*+,;=:%-]+").fullmatch


class Place(NamedTuple):
    """Where a connection leads: one kind of connection serves all requests to the same place, and no others."""

    secure: bool
    host: str
    port: int


class Address(NamedTuple):
    """A URL, taken apart: the place to connect to, and what a request there says of it."""

    place: Place
    target: str
    authority: str


@lru_cache(maxsize=1024)
def find_address(url: str) -> Address:
    """Take a URL apart; what is percent-encoded in it stays so. Raises ProviderUnreachable if nothing can be called."""
    try:
        if any(char <= " " or char == "\x7f" for char in url):
            raise ValueError
        parts = urlsplit(url)
        standard_port = _PORTS[parts.scheme]
        host = parts.hostname or ""
        if ":" not in host:
            host = host.encode("idna").decode()
        port = standard_port if parts.port is None else parts.port
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if "@" in parts.netloc or not port or _is_host(host) is None or _is_target(target) is None:
            raise ValueError
    except (ValueError, KeyError):
        raise ProviderUnreachable("The provider's address is not one that can be called.") from None
    shown = f"[{host}]" if ":" in host else host
    authority = shown if port == standard_port else f"{shown}:{port}"
    return Address(Place(parts.scheme == "https", host, port), target, authority)


def write_head(address: Address, request: OutgoingRequest) -> bytes:
    """The request line and the headers, with the blank line after them.

    Raises: ValueError for a header that cannot be sent; the text does not repeat it, for it may be a secret.
    """
    names = [name for name, _ in request.headers]
    if request.method not in METHODS or not _OURS.isdisjoint(names) or not all(map(_is_name, names)):
        raise ValueError("the method or a header's name is not one that can be sent")
    values = "".join([value for _, value in request.headers])
    # Almost all are plain; only others are looked at more closely.
    if not (values.isascii() and values.isprintable()) and _find_unsayable(values) is not None:
        raise ValueError("a header's value holds a character that cannot be sent")
    lines = "".join([f"{name}: {value}\r\n" for name, value in request.headers])
    agent = "" if "user-agent" in names else _USER_AGENT
    length = f"content-length: {len(request.body)}\r\n" if request.body or request.method != "GET" else ""
    return (
        f"{request.method} {address.target} HTTP/1.1\r\nhost: {address.authority}\r\n"
        f"{agent}accept-encoding: identity\r\n{lines}{length}\r\n"
    ).encode("latin-1")
