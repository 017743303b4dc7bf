"""What the admin's doors know of the configuration: which edition of it counts where."""

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct


class State(Struct, frozen=True):
    """The edition that counts in this process. `file` and `digest` (SHA-256 in hex) are None where there is no file;
    `changed` names the settings that the last step renewed, `waiting` those that count from the next start; `workers`
    maps each process to the edition it has taken.
    """

    edition: int
    issued_at_ns: int
    file: str | None
    digest: str | None
    changed: tuple[str, ...]
    waiting: tuple[str, ...]
    workers: Mapping[int, int]


class Configuration(Protocol):
    """The configuration of this process, and the way to a newer one."""

    async def reload(self) -> State:
        """Read it again, for all processes. Raises InvalidConfiguration, and then nothing has changed."""
        ...

    def show(self) -> State:
        """Which edition counts."""
        ...
