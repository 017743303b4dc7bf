"""What became of each thing in the file: one line for each, with its own line number. No value that may be secret is
ever in it.
"""

from typing import Literal

from msgspec import Struct

Verdict = Literal["taken", "changed", "left out"]


class Line(Struct, frozen=True):
    """One thing of the file: where it stands, its name there, what became of it, and why or what to do instead.

    `is_loss`: a model of the file cannot be called, or not yet, with what was written.
    """

    line: int
    key: str
    verdict: Verdict
    text: str
    is_loss: bool = False


class Report:
    """Gathers lines. `variables` are names that must be set in the environment, each with what it is for."""

    def __init__(self) -> None:
        self._lines: list[Line] = []
        self.variables: dict[str, str] = {}

    @property
    def lines(self) -> tuple[Line, ...]:
        """All of them in the order of the file."""
        return tuple(sorted(self._lines, key=lambda line: line.line))

    def take(self, line: int, key: str, text: str) -> None:
        """It means the same here."""
        self._lines.append(Line(line, key, "taken", text))

    def change(self, line: int, key: str, text: str, *, is_loss: bool = False) -> None:
        """It is there, and not quite the same."""
        self._lines.append(Line(line, key, "changed", text, is_loss))

    def leave(self, line: int, key: str, text: str, *, is_loss: bool = False) -> None:
        """It is not there."""
        self._lines.append(Line(line, key, "left out", text, is_loss))

    def need(self, variable: str, what_for: str) -> None:
        """A variable that must be set before the gateway starts."""
        self.variables.setdefault(variable, what_for)
