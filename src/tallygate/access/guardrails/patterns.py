"""Regular expressions in linear time, by RE2 (docs/why/re2.md). Loaded only where a guardrail needs it.

Nothing here knows what is looked for, or what follows.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol, cast

import re2  # pyright: ignore[reportMissingTypeStubs]

from tallygate.access.guardrails.base import Finding

Verify = Callable[[str], bool]
"""Whether what looks like something is it: a checksum, a range. Linear."""


class Match(Protocol):
    """What a pattern found. `lastindex` is the number of the group that matched, from 1."""

    lastindex: int

    def span(self) -> tuple[int, int]:
        """From where to where, in characters."""
        ...


class Pattern(Protocol):
    """A compiled pattern."""

    def finditer(self, text: str, pos: int = 0) -> Iterator[Match]:
        """Every match from `pos` on, leftmost first; what stands before is context."""
        ...

    def fullmatch(self, text: str) -> Match | None:
        """Whether all of a text matches."""
        ...


_RE2: Final[Any] = cast("Any", re2)
"""The package tells no types of its own."""

_ESCAPED: Final = re.compile(r"\\.", re.DOTALL)
_CLASS: Final = re.compile(r"\[\^?\]?[^\]]*\]")
_EDGE: Final = re.compile(r"\\[AzZ]")


class BadPattern(ValueError):
    """A pattern that cannot be used; the text says why."""


def compile_pattern(pattern: str, *, groups: bool = False) -> Pattern:
    """One pattern. Raises BadPattern. `groups`: which of its groups matched will be asked, which takes longer."""
    options = _RE2.Options()
    options.never_capture = not groups
    # What is wrong is told to the operator, and not to the standard error.
    options.log_errors = False
    try:
        compiled: Pattern = _RE2.compile(pattern, options)
    except _RE2.error as error:
        said: object = error.args[0]
        raise BadPattern(said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)) from None
    if compiled.fullmatch("") is not None:
        raise BadPattern("it matches the empty text, which is everywhere")
    return compiled


class Expressions:
    """Any of several patterns. `allow`: what matches one of these as a whole is let be."""

    def __init__(self, patterns: Sequence[str], allow: Sequence[str] = ()) -> None:
        self.joins = not any(map(_has_edges, patterns))
        self._pattern = compile_pattern("|".join(f"(?:{pattern})" for pattern in patterns))
        self._allow = compile_pattern("|".join(f"(?:{pattern})" for pattern in allow)) if allow else None

    def find(self, text: str, start: int, /) -> Iterator[Finding]:
        """What matches, leftmost first."""
        allow = self._allow
        for match in self._pattern.finditer(text, start):
            first, end = match.span()
            if end > first:
                yield Finding(first, end, allow is None or allow.fullmatch(text[first:end]) is None)


class Shapes:
    """Things that have a shape and perhaps a proof: one pattern for all of them, so that a clean text costs one look.

    `shapes` are patterns without groups by name; `verify` has the proofs by the same names.
    """

    joins = True

    def __init__(self, shapes: Mapping[str, str], verify: Mapping[str, Verify], allow: Sequence[str] = ()) -> None:
        self._pattern = compile_pattern("|".join(f"({pattern})" for pattern in shapes.values()), groups=True)
        self._verify = tuple(verify.get(name) for name in shapes)
        self._allow = compile_pattern("|".join(f"(?:{pattern})" for pattern in allow)) if allow else None

    def find(self, text: str, start: int, /) -> Iterator[Finding]:
        """What has a shape, and whether it is what it looks like."""
        for match in self._pattern.finditer(text, start):
            first, end = match.span()
            said = text[first:end]
            verify = self._verify[match.lastindex - 1]
            real = verify is None or verify(said)
            if real and self._allow is not None:
                real = self._allow.fullmatch(said) is None
            yield Finding(first, end, real)


def _has_edges(pattern: str) -> bool:
    """Whether a pattern may speak of a text's beginning or end. When in doubt, yes."""
    rest = _CLASS.sub("", _ESCAPED.sub("", pattern))
    return "^" in rest or "$" in rest or _EDGE.search(pattern) is not None
