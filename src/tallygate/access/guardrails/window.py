"""One text on its way past one check, whole or in pieces: what may go on now, and what must wait because something
found may still come about in it.

The pieces make no difference: what is found in a stream is what is found in the whole, as far as it is no longer than
the window, or grows by steps that are no longer.
"""

import re
from collections.abc import Callable
from typing import Final, NoReturn

import msgspec

from tallygate.access.guardrails.base import CONTEXT, TextCheck

OPEN_MAX: Final = 16_384
"""So many characters that belong to one finding are kept back; a longer one is taken for several."""

FINDINGS_MAX: Final = 50_000
"""So many things found in one call are looked at."""

BLOCK: Final = 262_144
"""A whole text is looked through in pieces of so many characters."""

Decide = Callable[[], str | None]
"""Called for each thing found: what stands in its place, None for itself. Raises GuardrailBlocked."""

_ESCAPE: Final = re.compile(r"\\.", re.DOTALL)


class Effort:
    """What one call may make its guardrails do: a text may be nothing but things to find, and each costs more than the
    text it stands in. `give_up` is called once it is too much, and raises.
    """

    __slots__ = ("_give_up", "_left")

    def __init__(self, give_up: Callable[[], NoReturn], findings_max: int = FINDINGS_MAX) -> None:
        self._give_up = give_up
        self._left = findings_max

    def spend(self) -> None:
        """One more thing was found, or looked like it."""
        self._left -= 1
        if self._left < 0:
            self._give_up()


class Window:
    """A text passing one check. `quotes`: it is JSON, in which a replacement must have its place."""

    __slots__ = ("_at", "_check", "_decide", "_effort", "_look_back", "_quotes", "_text")

    def __init__(
        self, check: TextCheck, look_back: int, decide: Decide, effort: Effort, quotes: "Quotes | None" = None
    ) -> None:
        self._check = check
        self._look_back = look_back
        self._decide = decide
        self._effort = effort
        self._quotes = quotes
        self._text = ""
        self._at = 0

    def feed(self, more: str) -> str:
        """More of the text. Returns what may go on."""
        self._text += more
        return self._pass(last=False)

    def whole(self, text: str) -> str:
        """All of the text at once. Returns all that may go on."""
        if len(text) <= BLOCK:
            self._text = text
            return self._pass(last=True)
        pieces = [self.feed(text[at : at + BLOCK]) for at in range(0, len(text), BLOCK)]
        return "".join((*pieces, self.finish()))

    def finish(self) -> str:
        """The text is over. Returns what was kept back."""
        return self._pass(last=True)

    def _pass(self, *, last: bool) -> str:
        text, at, look_back = self._text, self._at, self._look_back
        end = len(text)
        # From here on something may begin of which not enough is seen.
        free = end if last else max(at, end - look_back)
        pieces: list[str] = []
        cut = True
        while cut:
            cut = False
            for start, found_end, real in self._check.find(text, at):
                if start >= free:
                    break
                if start < at or found_end <= start:
                    continue
                stop = min(found_end, start + OPEN_MAX)
                if stop < found_end:
                    cut = True
                elif end - stop < look_back and not last:
                    free = start
                    break
                self._go(pieces, text[at:start])
                self._replace(pieces, text[start:stop], real=real)
                at = stop
                if cut:
                    break
        if free > at:
            self._go(pieces, text[at:free])
            at = free
        kept = max(0, at - CONTEXT)
        self._text, self._at = text[kept:], at - kept
        return "".join(pieces)

    def _go(self, pieces: list[str], text: str) -> None:
        pieces.append(text)
        if self._quotes is not None:
            self._quotes.skip(text)

    def _replace(self, pieces: list[str], found: str, *, real: bool) -> None:
        self._effort.spend()
        put = self._decide() if real else None
        if put is None:
            self._go(pieces, found)
        elif self._quotes is None:
            pieces.append(put)
        else:
            pieces.append(self._quotes.replace(found, put))


class Quotes:
    """Where in a JSON text one is: inside a string or between them. `replace` writes a text that can stand there."""

    __slots__ = ("_inside", "_slash")

    def __init__(self) -> None:
        self._inside = False
        self._slash = ""

    def skip(self, text: str) -> None:
        """More of the text went by."""
        rest = _ESCAPE.sub("", self._slash + text)
        self._slash = "\\" if rest.endswith("\\") else ""
        if rest.count('"') % 2:
            self._inside = not self._inside

    def replace(self, found: str, put: str) -> str:
        """What stands in the place of `found`: a string of its own where none is open."""
        before = self._inside
        self.skip(found)
        written = msgspec.json.encode(put).decode()
        return written[1:-1] if before or self._inside else written
