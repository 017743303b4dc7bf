"""The doors behind which a model answers: look at the body once, make a `Call`, let the hallway walk it."""

from typing import Final

from tallygate.access.claims import read_claim_key
from tallygate.access.credentials import read_credential
from tallygate.api.call_id import make_call_id
from tallygate.api.door import Request, header
from tallygate.api.urls import Door, Route
from tallygate.dialects.registry import CLIENT_DIALECTS, COUNTING
from tallygate.errors import InvalidValue
from tallygate.pipeline.call import Call, Client

CALLS: Final[frozenset[Door]] = frozenset({"call", "count"})
"""The doors that lead to the hallway."""

TIMEOUT: Final = b"x-tallygate-timeout-ms"
_DIGITS_MAX: Final = 9


def open_call(request: Request, route: Route, client: Client, *, json_depth_max: int) -> Call:
    """A checked call, ready for the hallway.

    Raises: RequestError for a body or credentials that cannot be read; nothing has been looked up by then.
    """
    dialect = CLIENT_DIALECTS[route.dialect]
    credential = read_credential(request.headers, request.query, query_key=False)
    operation = find_operation(route)
    look = COUNTING[route.dialect].peek_count if operation == "count" else dialect.peek
    peek = look(request.body, json_depth_max)
    forwarded = _pick(request.headers, dialect.forward_headers)
    dialect.check_headers(forwarded, request.body, peek)
    return Call(
        call_id=make_call_id(),
        request_id=request.request_id,
        operation=operation,
        dialect=dialect,
        body=request.body,
        peek=peek,
        credential=credential,
        forwarded=tuple(forwarded.items()),
        client=client,
        arrived_ns=request.arrived_ns,
        address=f"{request.method} {request.path}",
        claim_key=read_claim_key(request.headers) if route.billable else None,
        timeout_ms=_read_timeout(request.headers),
        traceparent=(header(request.headers, b"traceparent") or b"").decode("latin-1"),
        peer=request.peer,
    )


def _read_timeout(headers: tuple[tuple[bytes, bytes], ...]) -> int | None:
    """How long the caller lets the call take, all attempts together. Raises InvalidValue."""
    given = [value for name, value in headers if name == TIMEOUT]
    if not given:
        return None
    text = given[0].strip()
    if len(given) > 1 or not 0 < len(text) <= _DIGITS_MAX or not text.isdigit() or int(text) == 0:
        raise InvalidValue(f"The header {TIMEOUT.decode()} takes a whole number of milliseconds from 1 on.")
    return int(text)


def find_operation(route: Route) -> str:
    """What is asked of a model at an address."""
    return "count" if route.door == "count" else CLIENT_DIALECTS[route.dialect].operation


def _pick(headers: tuple[tuple[bytes, bytes], ...], names: frozenset[str]) -> dict[str, str]:
    """The headers of these names; several of one name are one list (RFC 9110 section 5.3)."""
    picked: dict[str, str] = {}
    if names:
        for raw_name, raw_value in headers:
            name = raw_name.decode("latin-1")
            if name in names:
                value = raw_value.decode("latin-1")
                picked[name] = f"{picked[name]}, {value}" if name in picked else value
    return picked
