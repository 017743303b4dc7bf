"""Who a call is made for, once its credential has been accepted: a plain value that the hallway carries along."""

from msgspec import Struct


class Principal(Struct, frozen=True):
    """The bearer of a live key, or a user who has signed in: then `key_id` is empty. `models` None means every model,
    `networks` None everywhere (CIDR blocks otherwise); times are nanoseconds UTC. `permissions` is what counts: what
    the key was granted, as far as its user's role goes.

    `key_version` is the version that was read: admission compares it with the row, so that a principal may be old but
    never wrong. The admin key and those of operators belong to no workspace: its id is empty, and `permissions` must be
    asked before it is used.
    """

    key_id: str
    user_id: str
    workspace_id: str
    key_version: int
    permissions: frozenset[str]
    models: frozenset[str] | None = None
    expires_at_ns: int | None = None
    networks: tuple[str, ...] | None = None

    @property
    def actor(self) -> str:
        """Who the audit log says it was: the user, or the admin key."""
        return self.user_id or self.key_id
