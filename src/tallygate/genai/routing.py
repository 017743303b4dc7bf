"""What a caller wishes of who serves a call: further models, providers by name, a highest price, a region.

Wishes only narrow or order what the operator allows; they never widen it. Dialects read them, the router obeys them.
"""

from typing import Literal

from msgspec import Struct

Sort = Literal["price", "latency", "throughput"]


class Routing(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The wishes of one call; what is left out is not wished for.

    `models`: names to try, in order, after the one that is called. `order`, `only`, `ignore`: names of providers; those
    of `order` first, and without `allow_fallbacks` no others. `require_parameters`: nobody who would have to leave out
    a parameter. Prices are the caller's own, in pico-USD: a token, a call, an image. `regions`: where a provider must
    be. `private`: nobody who keeps what is sent. `latency_ms_max`: nobody who has been slower to its first token.
    `duration_ms_max`: how long the call may take from its arrival. `policy_digest`: 64 hexadecimal digits, the SHA-256
    of the policy these wishes were read from in canonical form (RFC 8785), for the answer and the receipt.
    """

    models: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    allow_fallbacks: bool = True
    require_parameters: bool = False
    sort: Sort | None = None
    input_pusd_max: int | None = None
    output_pusd_max: int | None = None
    call_pusd_max: int | None = None
    image_pusd_max: int | None = None
    regions: tuple[str, ...] = ()
    private: bool = False
    latency_ms_max: int | None = None
    duration_ms_max: int | None = None
    policy_digest: str = ""
