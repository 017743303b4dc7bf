"""What an operator may set about the store, section `[store]`: how processes show that they live. Values only; where
they came from is known to `config`.
"""

from typing import Annotated

from msgspec import Meta, Struct

BEATS_MIN = 3
"""A lease is longer than this many heartbeats: one may come late, and after an outage two are counted at once."""


class StoreSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Heartbeats and leases. All processes on one database have to agree on them. Raises ValueError if they cannot
    work together.
    """

    heartbeat_s: Annotated[float, Meta(ge=0.01, le=60)] = 2.0
    """How often a process shows that it lives, and looks after the others."""

    lease_s: Annotated[float, Meta(ge=0.04, le=3600)] = 15.0
    """How long a process may be silent before its calls are ended in its place."""

    def __post_init__(self) -> None:
        if self.lease_s <= BEATS_MIN * self.heartbeat_s:
            raise ValueError(f"a lease_s of {self.lease_s:g} is too short for a heartbeat_s of {self.heartbeat_s:g}")
