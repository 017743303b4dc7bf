"""A request and a reply as the doors see them, whatever server carries them. No server's type comes past here."""

import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec
from msgspec import Struct, field

from tallygate.dialects.unified.envelope import write_answer

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


class Request(Struct, frozen=True):
    """One HTTP request whose body has been read.

    `path` is the raw path as sent, without the query; `headers` are (lower-case name, value) pairs in order; `slots`
    the parts of the path that the URL table names, percent-decoded. `peer` is the client's address: that at the other
    end of the connection, or what a trusted proxy there says (`peer.find_client`); empty where there is none.
    """

    method: str
    path: str
    query: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    request_id: str
    arrived_ns: int
    slots: Mapping[str, str] = field(default_factory=dict[str, str])
    peer: str = ""


class Reply(Struct, frozen=True):
    """One whole HTTP answer. The headers that every answer bears are added on the way out."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/json"


def json_reply(value: object, status: int = 200) -> Reply:
    """`value` (structs, dicts, lists) as a JSON answer."""
    return Reply(status, msgspec.json.encode(value))


def envelope_reply(data: object, request: Request, meta: dict[str, Any] | None = None, status: int = 200) -> Reply:
    """`data` as an answer in our own envelope. Nobody may keep it: it is somebody's money."""
    body = write_answer(data, request.request_id, meta)
    return Reply(status, body, (("cache-control", "no-store"),))


def header(headers: tuple[tuple[bytes, bytes], ...], name: bytes) -> bytes | None:
    """The first header of that lower-case name."""
    for key, value in headers:
        if key == name:
            return value
    return None


def choose_request_id(given: bytes | None) -> str:
    """The `X-Request-ID` that was `given` if it is short and plain, so that traces join up; otherwise a new one."""
    if given is not None:
        text = given.decode("latin-1")
        if REQUEST_ID.fullmatch(text):
            return text
    return f"req_{os.urandom(16).hex()}"


def decode_slot(raw: str) -> str | None:
    """A percent-encoded piece of a path as text, or None if it is not valid UTF-8 or holds control characters."""
    try:
        text = unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        return None
    return text if text.isprintable() else None
