"""Who may serve a call: ordered targets, and why others may not. Pure values; `router` makes them."""

from typing import Literal

from msgspec import Struct

Cause = Literal[
    "provider",  # not configured
    "operation",  # it, or its provider, serves other kinds of calls
    "unknown_model",  # nothing bears this name
    "model_access",  # the key may not call this name
    "unpriced",  # what a call of it would cost is not known
    "repeated",  # the same target is tried under an earlier name
    "capability",  # it is known not to be able to do what is asked
    "circuit",  # it failed too often, and is left alone
    "cooling",  # its provider asked to be left alone for a while
    "busy",  # as many calls as its provider may have are under way
    "allowed_providers",
    "max_price",
    "data_region",
    "data_policy",
    "latency",
    "require_parameters",
]
"""Why a target is left out. From `allowed_providers` on it is the caller who wishes so."""


class Target(Struct, frozen=True):
    """One place that can serve the call: a provider row's name and the name of the model there.

    `sold_as` is the name whose price is paid if it serves; empty: the plan's own.
    """

    provider: str
    model: str
    sold_as: str = ""

    def __str__(self) -> str:
        return f"{self.provider}/{self.model}" if self.provider else self.model


class Excluded(Struct, frozen=True):
    """A target that was considered and left out, with a reason for the caller to read. A name that was left out whole
    is a target without a provider. `wait_s`: in how many seconds that may be otherwise; 0 where nobody knows.
    """

    target: Target
    reason: str
    cause: Cause = "provider"
    wait_s: int = 0


class Plan(Struct, frozen=True):
    """Targets in the order they are tried. `request_model` is the name the call is booked under: the one the caller
    used, or of several the first that can be served. `others` are the further ones, in the order they are tried.
    """

    request_model: str
    operation: str
    targets: tuple[Target, ...]
    excluded: tuple[Excluded, ...] = ()
    others: tuple[str, ...] = ()
