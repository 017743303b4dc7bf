"""What a guardrail must offer (docs/how-to/write-a-guardrail.md). Whoever writes one in a package of their own needs
this file and no other.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, Protocol

from msgspec import Struct

API_VERSION: Final = 1
"""Of this contract. A package says which one it was written for; another one is not loaded."""

CONTEXT: Final = 64
"""So many characters of a stream before the place where a check begins can still be seen by it."""


class Finding(NamedTuple):
    """A place in a text, by characters. `real`: False for one that looks like something and is none, or is let be; what
    overlaps it is then not looked at again.
    """

    start: int
    end: int
    real: bool = True


class TextCheck(Protocol):
    """Looks for something in texts. Safe to use from several threads at once, and linear in the text's length."""

    def find(self, text: str, start: int, /) -> Iterable[Finding]:
        """What is found from `start` on: in order, not empty, not overlapping. What stands before `start` is context.

        A finding depends on no more than `CONTEXT` characters before it and, in a stream, on none that are farther
        behind its start than the guardrail's `look_back`.
        """
        ...


class JoinedCheck(TextCheck, Protocol):
    """A check besides that can look through several texts at once: where they are clean together, each of them is."""

    joins: bool


class Facts(Struct, frozen=True):
    """What is counted and named in a request, or in an answer so far. `models` are the names that are called; `tools`
    those that are offered, or called.
    """

    models: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    characters: int = 0
    messages: int = 0
    images: int = 0


class FactCheck(Protocol):
    """Judges by what is counted and named."""

    def permits(self, facts: Facts, /) -> bool:
        """Whether this may pass."""
        ...


class MakeCheck(Protocol):
    """What an installed package offers: it makes a check of a guardrail's `options`. Raises ValueError with a sentence
    for the operator where they are not right. The check bears `api_version`.
    """

    def __call__(self, options: Mapping[str, str], /) -> TextCheck:
        """The check."""
        ...
