"""A configuration that cannot be is refused before anything is begun with it."""

from tallygate.app.soundness import find_problems
from tallygate.cli.terminal.configuration import refusal
from tallygate.config import Resolved


def refuse_unsound(resolved: Resolved) -> None:
    """Raise Failure when something is set to what cannot be."""
    if problems := find_problems(resolved):
        raise refusal(problems)
