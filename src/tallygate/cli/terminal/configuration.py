"""The configuration that the options of a verb lead to, and what is said of one that cannot be used."""

from collections.abc import Sequence
from pathlib import Path

from tallygate.cli.terminal.failure import Failure
from tallygate.config import ConfigError, Problem, Resolved, resolve


def read_settings(config: Path | None, **flags: object) -> Resolved:
    """The configuration under these flags (``server__port=1`` is ``server.port``). Raises Failure with its problems."""
    try:
        return resolve(config, flags={name.replace("__", "."): value for name, value in flags.items()})
    except ConfigError as error:
        raise refusal(error.problems) from None


def refusal(problems: Sequence[Problem]) -> Failure:
    """What to say of a configuration that cannot be used."""
    return Failure("\n".join(["The configuration cannot be used.", *(f"  {problem}" for problem in problems)]))
