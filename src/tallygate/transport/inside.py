"""What is inside: addresses and URLs that nobody outside may have the gateway call for them.

Pure. A URL is taken apart once, strictly, and put together again from its parts, so that no second parser can read it
otherwise; an address counts as outside only if it is one of the public internet's. Sources: RFC 3986 section 3, the
special-purpose registries of RFC 6890, RFC 4291 section 2.5.5, RFC 6052, RFC 3056.
"""

import re
import unicodedata
from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, NamedTuple

from tallygate.errors import UrlNotAllowed

URL_CHARACTERS_MAX: Final = 8_192

_PORTS: Final = {"http": 80, "https": 443}
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z.-]+)(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<target>(?:[/?][\x21\x24-\x3b\x3d\x3f-\x5a\x5f\x61-\x7a\x7e\x5b\x5d\x25]*)?)(?:#[\x21-\x5b\x5d-\x7e]*)?"
)
_LABEL = re.compile(r"[0-9a-z](?:[0-9a-z_-]{0,61}[0-9a-z])?")
_DOTTED = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!$)|$)){4}")
_INNER_ENDS: Final = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "private", "arpa", "onion")
"""Last labels that no public name has, or that machines give to what is around them (RFC 6761, RFC 6762, RFC 9476)."""

_INNER_4: Final = tuple(map(IPv4Network, (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
    "224.0.0.0/4", "240.0.0.0/4",
)))  # fmt: skip
"""Written out, because which of them Python counts as public differs from one of its versions to the next."""
_GLOBAL_6: Final = IPv6Network("2000::/3")
"""All that is handed out (RFC 4291 section 2.4)."""
_INNER_6: Final = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "3fff::/20")))
_SIX_TO_FOUR: Final = IPv6Network("2002::/16")
_NAT64: Final = IPv6Network("64:ff9b::/96")


class Link(NamedTuple):
    """A URL that may be asked for: `place` as ``host:port``, and the URL as it is sent."""

    place: str
    url: str


def read_link(url: str, ports: Collection[int], allowed: Collection[str] = ()) -> Link:
    """A URL somebody outside gave. `allowed` are places (``host:port``) that are called whatever they are.

    Raises UrlNotAllowed; the sentence says what is wrong, and repeats nothing of the URL.
    """
    found = _URL.fullmatch(url) if len(url) <= URL_CHARACTERS_MAX else None
    if found is None:
        raise UrlNotAllowed("A URL to fetch must be plain: http or https, a host, and no user, blank or backslash.")
    scheme, host, target = found["scheme"], found["host"].lower(), found["target"]
    port = int(found["port"]) if found["port"] else _PORTS[scheme]
    place = f"{host}:{port}"
    if place not in allowed:
        if port not in ports:
            raise UrlNotAllowed(f"Port {port} is not fetched from.")
        _judge_host(host)
    shown = "" if port == _PORTS[scheme] else f":{port}"
    return Link(place, f"{scheme}://{host}{shown}{target if target.startswith('/') else '/' + target}")


def _judge_host(host: str) -> None:
    if host.startswith("["):
        try:
            is_outside = judge_address(host[1:-1])
        except ValueError:
            is_outside = False
    elif _DOTTED.fullmatch(host):
        is_outside = judge_address(host)
    else:
        is_outside = _is_public_name(host)
    if not is_outside:
        raise UrlNotAllowed("The URL's host is not one of the public internet.")


def _is_public_name(host: str) -> bool:
    labels = host.split(".")
    last = labels[-1]
    # Also what old resolvers take for an address in other clothes: 127.1, 0x7f.1, 2130706433.
    if len(labels) < 2 or last in _INNER_ENDS or last[:1].isdigit() or len(host) > 253:
        return False
    return all(_LABEL.fullmatch(label) and _is_honest(label) for label in labels)


def _is_honest(label: str) -> bool:
    """False for a name in Punycode that stands for one without need of it, or for look-alikes of plain characters."""
    if not label.startswith("xn--"):
        return True
    try:
        meant = label[4:].encode().decode("punycode")
    except UnicodeError:
        return False
    return not meant.isascii() and unicodedata.normalize("NFKC", meant).casefold() == meant


def judge_address(address: str) -> bool:
    """Whether this is an address of the public internet; an IPv4 address in IPv6 clothes counts as what it is.

    Raises: ValueError for what is no address.
    """
    read = ip_address(address)
    if isinstance(read, IPv4Address):
        return _is_public(read)
    if (inner := _unwrap(read)) is not None:
        return _is_public(inner)
    return read in _GLOBAL_6 and not any(read in net for net in _INNER_6)


def _unwrap(address: IPv6Address) -> IPv4Address | None:
    """The address of the other net that one of this net leads to."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.sixtofour if address in _SIX_TO_FOUR else address.ipv4_mapped


def _is_public(address: IPv4Address) -> bool:
    return not any(address in net for net in _INNER_4)
