"""The account of one request being written: what goes back where it was, what is left out, what cannot be left out.

The loss rule: a field of another dialect may be dropped only if the dialect being written lists it as harmless;
anything else that its wire cannot carry is an error that names it. What is harmless to leave out of one wire is that
dialect's own list, kept in its package.
"""

import re
from collections.abc import Set as AbstractSet
from typing import Any

from tallygate.dialects.fields import overlay
from tallygate.errors import UnsupportedParameter
from tallygate.genai.messages import Extra

_INDEX = re.compile(r"\[\d+\]")


class Losses:
    """Keeps account while one request is written. `same`: the request came in this very dialect, so its extras fit."""

    def __init__(
        self,
        *,
        same: bool,
        harmless: AbstractSet[str],
        shared: AbstractSet[str] = frozenset(),
        trial: bool = False,
        marks: bool = False,
    ) -> None:
        """`harmless`: members of other dialects that may be left out, by their names, or by their paths where the name
        means something else in another place; `shared`: those spelt here as they are there.
        `marks`: whoever will serve the call knows marks on texts for its cache, though the dialect has none.

        `trial`: features in trial are left behind as a whole, the switch in a header and its field in the body.
        """
        self.same = same
        self.marks = marks
        self._trial = trial
        self._harmless = harmless
        self._shared = shared
        self._dropped: dict[str, None] = {}
        self._wants_inline: dict[str, None] = {}

    def restore(self, known: dict[str, Any], extra: Extra, path: str) -> dict[str, Any]:
        """`known` with its own dialect's `extra` put back. Raises UnsupportedParameter for another's that matters."""
        if not extra:
            return known
        if self.same:
            return overlay(known, extra)
        for name, value in extra.items():
            at = f"{path}.{name}" if path else name
            if value is None:
                continue  # clients send back what they got, members without a value included
            if name in self._shared:
                known[name] = value
            elif name in self._harmless or at in self._harmless or (self._trial and not path):
                self.drop(at)
            else:
                raise self.refuse(at)
        return known

    def drop(self, path: str) -> None:
        """Name something left out as harmless. Positions are left out too: a path is named once, not once a turn."""
        self._dropped[_INDEX.sub("", path)] = None

    def want_inline(self, url: str) -> None:
        """Ask the caller to fetch what this wire carries only as data."""
        self._wants_inline[url] = None

    def refuse(self, path: str, reason: str = "") -> UnsupportedParameter:
        """The error for something that changes the meaning and cannot be carried."""
        because = reason or "The provider that would serve this call has no such field."
        return UnsupportedParameter(f"`{path}` cannot be carried. {because}", param=path)

    @property
    def dropped(self) -> tuple[str, ...]:
        """What was left out, each path once, in the order it was met."""
        return tuple(self._dropped)

    @property
    def wants_inline(self) -> tuple[str, ...]:
        """URLs to fetch before writing again."""
        return tuple(self._wants_inline)
