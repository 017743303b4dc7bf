"""Finds the credential in a request's headers and query, without judging it.

One request has one principal: two different credentials are refused, never "the first wins". Which of the accepted
places a client uses is its own affair: `Authorization: Bearer` (RFC 6750 section 2.1), `x-api-key`, `x-goog-api-key`,
and on Gemini's paths `?key=`. Nothing here looks into the database.
"""

from collections.abc import Iterator, Sequence
from urllib.parse import unquote_to_bytes

from tallygate.errors import AmbiguousCredentials, HeaderTooLarge, InvalidApiKey
from tallygate.genai.secret import Secret

CREDENTIAL_BYTES_MAX = 1024

KEY_HEADERS = (b"x-api-key", b"x-goog-api-key")


def read_credential(headers: Sequence[tuple[bytes, bytes]], query: bytes, *, query_key: bool) -> Secret | None:
    """The request's one credential, None where it has none; an empty one counts as none.

    `headers` has names in lower case, `query` is the raw query string, `query_key` says whether the route accepts
    `?key=`. Raises AmbiguousCredentials, HeaderTooLarge above 1 KiB, InvalidApiKey for a scheme other than Bearer.
    """
    authorizations = [value for name, value in headers if name == b"authorization"]
    values = [value for name, value in headers if name in KEY_HEADERS]
    if query_key:
        values.extend(_query_keys(query))
    if any(len(value) > CREDENTIAL_BYTES_MAX for value in (*authorizations, *values)):
        raise HeaderTooLarge(f"A credential may have at most {CREDENTIAL_BYTES_MAX} bytes.")
    # A list in one header is the same as several headers (RFC 9110 section 5.3), and no key holds a comma.
    if len(authorizations) > 1 or any(b"," in value for value in (*authorizations, *values)):
        raise AmbiguousCredentials("The request carries a list of credentials. Send one.")
    found = {stripped for value in values if (stripped := value.strip())}
    bearer, other_scheme = _split_authorization(authorizations[0]) if authorizations else (b"", False)
    if bearer:
        found.add(bearer)
    if len(found) + other_scheme > 1:
        raise AmbiguousCredentials("The request carries two different credentials. Send one.")
    if other_scheme:
        raise InvalidApiKey("The Authorization header must read `Bearer` and the API key.")
    # Latin-1 takes any byte; what is not ASCII will not be a key.
    return Secret(found.pop().decode("latin-1")) if found else None


def _split_authorization(value: bytes) -> tuple[bytes, bool]:
    """The bearer's token (perhaps empty), and whether the header holds some other kind of credential."""
    scheme, _, token = value.strip().partition(b" ")
    if scheme.lower() == b"bearer":
        return token.strip(), False
    return b"", bool(scheme)


def _query_keys(query: bytes) -> Iterator[bytes]:
    for pair in query.split(b"&"):
        name, _, value = pair.partition(b"=")
        if name == b"key":
            yield unquote_to_bytes(value)
