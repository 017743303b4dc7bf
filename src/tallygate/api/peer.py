"""Who is at the other end of a connection, and who has sent what a proxy passes on.

What a request says of its own origin counts only where a trusted proxy says it: Forwarded (RFC 7239) or
X-Forwarded-For, read from the right, where each proxy adds the address it has seen. Whatever cannot be read, or is told
in two ways, is nobody: an empty address, which no list of networks holds.
"""

import asyncio
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, cast

from tallygate.access.networks import Network, is_within, read_address

_PAIR: Final = re.compile(r'[ \t]*([A-Za-z0-9!#$%&\'*+.^_`|~-]+)=("(?:[^"\\]|\\.)*"|[^",;\s]*)[ \t]*(;|,|\Z)')
_QUOTED: Final = re.compile(r"\\(.)")
_WITH_PORT: Final = re.compile(r"(?:\[([^\]]+)\]|([0-9.]+))(?::[0-9A-Za-z._-]+)?")


def find_peer(transport: asyncio.BaseTransport | None) -> str:
    """The address of the other end, without its port; empty for a socket in the file system or one that is gone."""
    name: object = None if transport is None else transport.get_extra_info("peername")
    return str(cast("tuple[Any, ...]", name)[0]) if isinstance(name, tuple) and name else ""


def find_client(peer: str, headers: Iterable[tuple[bytes, bytes]], trusted: Sequence[Network]) -> str:
    """The address a request comes from: the peer's, or where that is a trusted proxy, the last one before those.

    `headers` have names in lower case. Empty where a trusted proxy says nothing that can be believed.
    """
    if not is_within(peer, trusted):
        return peer
    told = [(name, value.decode("latin-1")) for name, value in headers if name in (b"x-forwarded-for", b"forwarded")]
    plain = [text.strip() for name, value in told if name == b"x-forwarded-for" for text in value.split(",")]
    standard = _read_forwarded([value for name, value in told if name == b"forwarded"])
    found = {_find_last(hops, trusted) for hops in (plain, standard) if hops}
    if not found:
        return peer
    # A proxy that adds to one of them may pass the other on as its client wrote it.
    return found.pop() if len(found) == 1 else ""


def _find_last(hops: Sequence[str], trusted: Sequence[Network]) -> str:
    """The last hop that is no trusted proxy; the first one if all are."""
    shown = ""
    for hop in reversed(hops):
        fit = _WITH_PORT.fullmatch(hop)
        address = read_address((fit[1] or fit[2]) if fit else hop)
        if address is None:
            return ""
        shown = str(address)
        if not is_within(shown, trusted):
            break
    return shown


def _read_forwarded(values: Iterable[str]) -> list[str]:
    """What the `for` of each element says; one empty text for what does not follow RFC 7239 section 4."""
    hops: list[str] = []
    for value in values:
        place, hop = 0, ""
        while place < len(value):
            pair = _PAIR.match(value, place)
            if pair is None:
                return [""]
            if pair[1].lower() == "for":
                hop = _QUOTED.sub(r"\1", pair[2][1:-1]) if pair[2].startswith('"') else pair[2]
            if pair[3] != ";":
                hops.append(hop)
                hop = ""
            place = pair.end()
    return hops
