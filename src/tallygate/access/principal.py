"""Who a call is made for, once its credential has been accepted: a plain value that the hallway carries along."""

from msgspec import Struct


class Principal(Struct, frozen=True):
    """The bearer of a live key. `models` None means every model; times are nanoseconds UTC.

    `key_version` is the version that was read: admission compares it with the row, so that a principal may be old but
    never wrong. The admin key belongs to no workspace: its ids are empty, and `permissions` must be asked before they
    are used.
    """

    key_id: str
    user_id: str
    workspace_id: str
    key_version: int
    permissions: frozenset[str]
    models: frozenset[str] | None = None
    expires_at_ns: int | None = None
