"""The one cookie of the pages: the session's token (RFC 6265bis).

`__Host-` ties it to this host and to a secure connection; browsers take a loopback address for one. `Lax` keeps it from
forms of other sites, and still lets a link lead here.
"""

from typing import Final

from tallygate.genai.secret import Secret

NAME: Final = "__Host-tallygate"
_FLAGS: Final = "Path=/; Secure; HttpOnly; SameSite=Lax"


def read_token(headers: tuple[tuple[bytes, bytes], ...]) -> str:
    """The session's token that the browser sent; empty if there is none. Of two with one name, neither counts."""
    found = [
        value.strip()
        for name, line in headers
        if name == b"cookie"
        for pair in line.decode("latin-1").split(";")
        for key, _, value in [pair.partition("=")]
        if key.strip() == NAME
    ]
    return found[0] if len(found) == 1 else ""


def set_token(token: Secret) -> tuple[str, str]:
    """The header that gives the browser its token, for as long as the browser runs."""
    return "set-cookie", f"{NAME}={token.reveal()}; {_FLAGS}"


def drop_token() -> tuple[str, str]:
    """The header that has the browser forget it."""
    return "set-cookie", f"{NAME}=; {_FLAGS}; Max-Age=0"
