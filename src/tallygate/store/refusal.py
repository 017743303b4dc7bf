"""Reasons for the store not to open, written for the operator who starts the gateway.

The text says what, why and what to do; it may name files and addresses (never a password), so it belongs on a terminal
and not in an answer to a client. What can go wrong during a call is `errors.StoreUnavailable` instead.
"""


class StoreRefusal(Exception):
    """The store does not open. Its text is ready to print."""


class DatabaseUnusable(StoreRefusal):
    """The database cannot be opened: bad address, no rights, no server, no space."""


class SchemaNewer(StoreRefusal):
    """The database was written by a newer version of the gateway."""


class PepperMismatch(StoreRefusal):
    """The pepper at hand is not the one whose digests the database holds."""


def first_line(error: Exception) -> str:
    """The reason a driver or the system gives, short enough for one line of ours, as a sentence."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return reason.strip().split("\n")[0].rstrip(".") + "."
