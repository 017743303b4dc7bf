"""The doors behind which a model answers: look at the body once, make a `Call`, let the hallway walk it."""

import secrets

from tallygate.access.credentials import read_credential
from tallygate.api.door import Request
from tallygate.api.urls import Route
from tallygate.dialects.registry import DIALECTS
from tallygate.pipeline.call import Call, Client

OPERATIONS = {"chat": "chat"}


def open_call(request: Request, route: Route, client: Client, *, json_depth_max: int) -> Call:
    """A checked call, ready for the hallway.

    Raises: RequestError for a body or credentials that cannot be read; nothing has been looked up by then.
    """
    dialect = DIALECTS[route.dialect]
    credential = read_credential(request.headers, request.query, query_key=False)
    peek = dialect.peek(request.body, json_depth_max)
    forwarded = tuple(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in request.headers
        if name.decode("latin-1") in dialect.forward_headers
    )
    return Call(
        call_id=f"call_{secrets.token_hex(16)}",
        request_id=request.request_id,
        operation=OPERATIONS[route.door],
        dialect=dialect,
        body=request.body,
        peek=peek,
        credential=credential,
        forwarded=forwarded,
        client=client,
        arrived_ns=request.arrived_ns,
    )
