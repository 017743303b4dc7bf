"""Where a value came from, and what to say when it cannot be used.

Pure values and text; a message never shows a secret.
"""

import re
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

Path = tuple[str, ...]
"""A setting's name in parts: ``("providers", "lab", "base_url")``."""

_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")


def spell(path: Path) -> str:
    """A setting's name as TOML writes it: ``models."qwen3.5".targets``."""
    return ".".join(part if _BARE.match(part) else f'"{part}"' for part in path)


class Origin(Struct, frozen=True):
    """Where a value came from. `place` is ready to print: ``tallygate.toml:3``, ``TALLYGATE_DATA``, ``--port``."""

    kind: Literal["default", "file", "environment", "flag"]
    place: str


DEFAULT = Origin(kind="default", place="default")


class Problem(Struct, frozen=True):
    """One thing wrong with the configuration: the setting (may be empty), the sentence, and where it stands."""

    setting: str
    text: str
    origin: Origin

    def __str__(self) -> str:
        subject = f"{self.setting}: " if self.setting else ""
        return f"{subject}{self.text} (from {self.origin.place})"


class ConfigError(Exception):
    """The configuration cannot be used. `problems` has at least one entry; the text has one line for each."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
