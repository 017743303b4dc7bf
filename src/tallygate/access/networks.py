"""From which networks a key may be used: CIDR blocks (RFC 4632, RFC 4291), read, compared, and asked for an address.

An IPv4 address that comes dressed as an IPv6 one (`::ffff:192.0.2.1`) is the IPv4 address, in lists and in questions.
Pure; whose address it is that asks is found out in `api`.
"""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    collapse_addresses,
    ip_address,
    ip_network,
)
from typing import Final, TypeAlias

from tallygate.errors import InvalidValue

Network: TypeAlias = IPv4Network | IPv6Network
Address: TypeAlias = IPv4Address | IPv6Address

NETWORKS_MAX: Final = 100
SHOWN_MAX: Final = 100
"""How much of what is no network is repeated to its sender."""
_NEIGHBOURHOOD: Final = 64
_MAPPED_BITS: Final = 96
_KNOWN_MAX: Final = 4096


def check_networks(texts: Iterable[str]) -> frozenset[str]:
    """A list of networks as it is kept, each in its one canonical spelling. Raises InvalidValue."""
    given = list(texts)
    if not 1 <= len(given) <= NETWORKS_MAX:
        raise InvalidValue(
            f"A list of networks has 1 to {NETWORKS_MAX} entries. Leave it out to allow every address.",
            param="networks",
        )
    try:
        return frozenset(str(read_network(text)) for text in given)
    except ValueError as error:
        raise InvalidValue(
            f"{error}. A network is an address, or a block such as 192.0.2.0/24 or 2001:db8::/32.", param="networks"
        ) from None


def read_network(text: str) -> Network:
    """The network of a CIDR text; an address alone is a network of one. Raises ValueError, also for one with a zone
    (RFC 4007), which means something on one machine alone and may be any text.
    """
    if "%" in text:
        raise ValueError(f"{text[:SHOWN_MAX]!r} names a zone")
    network = ip_network(text.strip())
    if isinstance(network, IPv6Network) and network.prefixlen >= _MAPPED_BITS:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return IPv4Network((mapped, network.prefixlen - _MAPPED_BITS))
    return network


def read_address(text: str) -> Address | None:
    """The address of a text, None where it is none."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def name_neighbourhood(address: str) -> str:
    """What to count somebody's tries by: an IPv6 address stands for its /64, which whoever has one of them has whole;
    anything else for itself.
    """
    read = read_address(address)
    return f"{int(read) >> _NEIGHBOURHOOD:x}" if isinstance(read, IPv6Address) else address


@lru_cache(_KNOWN_MAX)
def read_networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    """Networks as `check_networks` has let them pass. Remembered: keys of one list are read again with each call."""
    return tuple(read_network(text) for text in texts)


def is_within(address: str, networks: Iterable[Network]) -> bool:
    """Whether an address lies in one of the networks. What is no address lies nowhere."""
    read = read_address(address)
    return read is not None and any(read in network for network in networks)


def contains(outer: Iterable[str], inner: Iterable[str]) -> bool:
    """Whether every address of the inner networks is one of the outer ones', also where it takes several of these."""
    networks = [read_network(text) for text in outer]
    merged4 = list(collapse_addresses(network for network in networks if isinstance(network, IPv4Network)))
    merged6 = list(collapse_addresses(network for network in networks if isinstance(network, IPv6Network)))
    for network in map(read_network, inner):
        if isinstance(network, IPv4Network):
            found = any(network.subnet_of(whole) for whole in merged4)
        else:
            found = any(network.subnet_of(whole) for whole in merged6)
        if not found:
            return False
    return True
