"""From a row and a body to the request that goes out: address, headers, sign-in.

The caller's own headers pass only by name, and none of ours can be replaced by them. Bodies are not touched here.
"""

from collections.abc import Iterable

from tallygate.dialects.registry import COUNTING, DIALECTS
from tallygate.providers.base import Provider
from tallygate.transport.base import OutgoingRequest

NEVER_FORWARDED = frozenset(
    {
        "authorization", "connection", "content-length", "cookie", "expect", "forwarded", "host", "keep-alive",
        "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade", "via", "x-api-key", "x-forwarded-for",
        "x-goog-api-key",
    }
)  # fmt: skip
"""A caller's sign-in is for this gateway alone, and hop-by-hop headers end here (RFC 9110 section 7.6.1)."""


def outgoing(
    provider: Provider,
    dialect: str,
    body: bytes,
    forwarded: Iterable[tuple[str, str]] = (),
    *,
    stream: bool,
    counting: bool = False,
) -> OutgoingRequest:
    """A call to `provider` in a dialect that it speaks, or a question how many tokens a call has.

    `forwarded` are the caller's headers that may go on, such as an API version.
    """
    headers = dict(DIALECTS[dialect].header_defaults)
    headers |= {name: value for name, value in forwarded if name not in NEVER_FORWARDED}
    headers["content-type"] = "application/json"
    headers["accept"] = "text/event-stream, application/json" if stream else "application/json"
    headers |= signed_headers(provider)
    path = provider.speaks[dialect] + (COUNTING[dialect].count_suffix if counting else "")
    return OutgoingRequest("POST", provider.base_url + path, tuple(headers.items()), body)


def signed_headers(provider: Provider) -> dict[str, str]:
    """The headers that a row sends with everything, its key among them."""
    headers = {name.lower(): value for name, value in provider.headers.items()}
    if provider.key is None or provider.auth == "none":
        return headers
    if provider.auth == "bearer":
        return headers | {"authorization": f"Bearer {provider.key.reveal()}"}
    return headers | {provider.auth: provider.key.reveal()}
