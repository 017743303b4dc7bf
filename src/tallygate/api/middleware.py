"""The gate before every door: matches the address, bounds what is read, and says no in the caller's dialect.

Judges by the matched route alone, never by text of the path. No credential is looked
at here.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from tallygate.api.door import Reply, decode_slot
from tallygate.api.framing import too_large
from tallygate.api.head import Head
from tallygate.api.urls import URLS, Route
from tallygate.dialects.base import Rendered
from tallygate.dialects.registry import CLIENT_DIALECTS
from tallygate.dialects.unified import envelope
from tallygate.errors import (
    LengthRequired,
    MethodNotAllowed,
    NotFound,
    TallygateError,
    UnsupportedEncoding,
    UnsupportedMediaType,
)
from tallygate.pipeline.call import error_headers

BODIED = ("POST", "PUT", "PATCH")
"""The methods whose requests have a JSON body. What others send as one is read and forgotten."""
JSON_TYPE = re.compile(rb"application/json\s*(?:;\s*charset\s*=\s*\"?utf-8\"?\s*)?", re.IGNORECASE)

_WRITERS: Final[Mapping[str, Callable[[TallygateError, str], Rendered]]] = {
    **{name: dialect.write_error for name, dialect in CLIENT_DIALECTS.items()},
    "unified": envelope.write_error,
}


class Matched(Struct, frozen=True):
    """The route of a request, and what its path says in the places the route leaves open."""

    route: Route
    slots: dict[str, str]


def _compile(path: str) -> re.Pattern[str]:
    """What a path of the table fits: a place is one part between slashes, and at the end the whole rest."""
    escaped = re.sub(r"\\{([a-z]+)\\}\Z", r"(?P<\1>.+)", re.escape(path))
    return re.compile(re.sub(r"\\{([a-z]+)\\}", r"(?P<\1>[^/]+)", escaped), re.DOTALL)


_LINES: dict[str, list[Route]] = {}
for _route in URLS:
    _LINES.setdefault(_route.path, []).append(_route)
_OPEN = {path: _compile(path) for path in _LINES if "{" in path}


def match(method: str, path: str) -> Matched:
    """The route for a method and a raw path. Raises NotFound, MethodNotAllowed."""
    return choose(find(path), method)


def find(path: str) -> list[Matched]:
    """The routes of a raw path, one or more, all of one dialect. Raises NotFound."""
    if path in _LINES and path not in _OPEN:
        return [Matched(route, {}) for route in _LINES[path]]
    found = next(filter(None, (_fill(line, path) for line in _OPEN)), None)
    if found is None:
        raise NotFound(
            "There is nothing at this address. The paths this gateway serves are listed in its documentation."
        )
    return found


def _fill(line: str, path: str) -> list[Matched]:
    """The routes of a path of the table with open places, as a raw path fills them; none if it does not fit."""
    fit = _OPEN[line].fullmatch(path)
    if fit is None:
        return []
    slots: dict[str, str] = {}
    for name, raw in fit.groupdict().items():
        text = decode_slot(raw)
        if text is None:
            return []
        slots[name] = text
    return [Matched(route, slots) for route in _LINES[line]]


def choose(found: list[Matched], method: str) -> Matched:
    """The one of a path's routes that takes the method. Raises MethodNotAllowed."""
    for matched in found:
        if method in matched.route.methods:
            return matched
    allowed = sorted({name for matched in found for name in matched.route.methods})
    raise MethodNotAllowed(f"This address takes {' and '.join(allowed)} only.", details={"allow": ", ".join(allowed)})


def check_body(head: Head, body_bytes_max: int) -> None:
    """What a request with a JSON body says of it. Raises 411, 413 and 415 before a byte of it is read."""
    fields = head.fields
    encoding = fields.get(b"content-encoding")
    if encoding is not None and encoding.lower() != b"identity":
        raise UnsupportedEncoding
    if head.length == 0 and b"content-length" not in fields:
        raise LengthRequired("The request has no body. Send a JSON body with a Content-Length.")
    if head.length is not None and head.length > body_bytes_max:
        raise too_large(body_bytes_max)
    if not JSON_TYPE.fullmatch(fields.get(b"content-type", b"")):
        raise UnsupportedMediaType


def render(error: TallygateError, dialect_name: str, request_id: str) -> Reply:
    """An error as the answer of a door."""
    rendered = _WRITERS[dialect_name](error, request_id)
    headers = error_headers(error, rendered.status)
    if "allow" in error.details:
        headers.append(("allow", str(error.details["allow"])))
    return Reply(rendered.status, rendered.body, tuple(headers), rendered.content_type)
