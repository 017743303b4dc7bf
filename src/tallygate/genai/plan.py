"""Who may serve a call: ordered targets, and why others may not. Pure values; `router` makes them."""

from msgspec import Struct


class Target(Struct, frozen=True):
    """One place that can serve the call: a provider row's name and the name of the model there."""

    provider: str
    model: str

    def __str__(self) -> str:
        return f"{self.provider}/{self.model}"


class Excluded(Struct, frozen=True):
    """A target that was considered and left out, with a reason for the caller to read."""

    target: Target
    reason: str


class Plan(Struct, frozen=True):
    """Targets in the order they are tried. `request_model` is the name the caller used."""

    request_model: str
    operation: str
    targets: tuple[Target, ...]
    excluded: tuple[Excluded, ...] = ()
