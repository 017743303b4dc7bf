"""The settings of the doors: where the gateway listens and what it refuses to read.

Only values with defaults. `config` fills them in; nothing is looked up here.
"""

from typing import Annotated

from msgspec import Meta, Struct

from tallygate.access.networks import read_network


class ServerSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section ``[server]``. Sizes are in bytes."""

    # Loopback only: to be seen by other machines is a choice somebody makes.
    host: Annotated[str, Meta(min_length=1, description="a host name or an address")] = "127.0.0.1"
    # 0 lets the system pick a free port; the banner says which.
    port: Annotated[int, Meta(ge=0, le=65535)] = 8255
    workers: Annotated[int, Meta(ge=1, le=256)] = 1
    # Pictures and documents travel inline as base64, so a fair request can be large.
    body_bytes_max: Annotated[int, Meta(ge=1024, le=1 << 30)] = 32 << 20
    # What one worker holds of bodies that are still on their way, of all its connections together: nobody has shown a
    # key by then. Beyond it the largest is refused.
    arriving_bytes_max: Annotated[int, Meta(ge=1024, le=1 << 40)] = 256 << 20
    # Real requests nest about ten deep.
    json_depth_max: Annotated[int, Meta(ge=8, le=256)] = 64
    # The names clients use for this gateway; none stands for any. A list keeps web pages that have their own name point
    # at this machine from reaching a gateway that listens on it.
    hosts: tuple[str, ...] = ()
    # Networks of the proxies in front, as CIDR blocks: what only they are believed is whom a request comes from.
    trusted_proxies: tuple[str, ...] = ()
    # How long a client may take. Sound clients need a fraction of each; the others hold memory and sockets.
    head_s: Annotated[int, Meta(ge=1, le=3600)] = 10
    body_s: Annotated[int, Meta(ge=1, le=3600)] = 60
    # A load balancer in front must give up idle connections sooner than the gateway does.
    idle_s: Annotated[int, Meta(ge=1, le=3600)] = 15
    write_stall_s: Annotated[int, Meta(ge=1, le=3600)] = 30
    # How long the gateway may take to stop. Many supervisors kill what takes longer than 30 seconds.
    drain_s: Annotated[int, Meta(ge=0, le=3600)] = 30

    def __post_init__(self) -> None:
        # Raises ValueError for what is no network, which whoever reads the settings puts into words.
        for text in self.trusted_proxies:
            read_network(text)
