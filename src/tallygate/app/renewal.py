"""Reading the configuration again while the gateway runs: all of it is good, or none of it is taken.

What counts at once and what from the next start is decided here, for every setting by its section.
"""

import time
from collections.abc import Iterator
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from tallygate.app.slate import Edition, Slate
from tallygate.app.soundness import find_problems
from tallygate.config.origin import DEFAULT, ConfigError, Origin, Problem
from tallygate.config.resolution import Resolved
from tallygate.config.settings import Settings
from tallygate.telemetry.log import logger

RENEWED: Final = ("discover", "guardrails", "limits", "log_level", "models", "providers", "router")
"""What counts at once, with everything below it. All else is read by what stands from start to stop: sockets, pools,
files, the database.
"""


class Changes(Struct, frozen=True):
    """What is set otherwise than before, by name: what counts at once, and what waits for the next start."""

    renewed: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()


class Renewal:
    """Issues editions of the configuration. `first` is the one that the gateway was started with."""

    def __init__(self, first: Resolved) -> None:
        self.first = first
        self.slate = Slate(Edition(1, time.time_ns(), first.source), first.settings.data)

    def close(self) -> None:
        """Let go of what the processes share."""
        self.slate.close()

    def issue(self) -> Edition:
        """Read and check everything anew, and put it in force. Raises ConfigError with all that is wrong, and then the
        old edition stays.
        """
        with self.slate.turn():
            source = self.first.inputs.find_source()
            before = self.slate.read()
            if source is None and before.source is not None:
                text = "the file that the gateway was given is not there any more"
                raise ConfigError([Problem("", text, Origin(kind="file", place=before.source.shown))])
            resolved = self.first.inputs.resolve(source)
            if problems := find_problems(resolved):
                raise ConfigError(problems)
            edition = Edition(before.number + 1, time.time_ns(), source)
            self.slate.issue(edition)
        logger.info("the configuration was read again: edition %d", edition.number)
        return edition

    def issue_if_sound(self) -> None:
        """As `issue`; what is wrong goes into the log, as one line."""
        try:
            self.issue()
        except ConfigError as error:
            complain(error)
        except OSError as error:
            logger.error("the configuration could not be read again, and the old one stays: %s", error)

    def resolve(self, edition: Edition) -> Resolved:
        """An edition as this process understands it. Raises ConfigError if a file that a variable names has gone."""
        return self.first.inputs.resolve(edition.source)

    def hold_back(self, settings: Settings) -> Settings:
        """The settings that count now: of some those of the start."""
        return replace(self.first.settings, **{name: getattr(settings, name) for name in RENEWED})

    def compare(self, old: Resolved, new: Resolved) -> Changes:
        """What counts otherwise than it did, and what waits for the next start, since the first one."""
        return Changes(
            renewed=tuple(name for name in list_differences(old, new) if _section(name) in RENEWED),
            waiting=tuple(name for name in list_differences(self.first, new) if _section(name) not in RENEWED),
        )


def complain(error: ConfigError) -> None:
    """Say in the log why a configuration was refused."""
    logger.error(
        "the configuration was refused, and the old one stays: %s", "; ".join(str(item) for item in error.problems)
    )


def list_differences(old: Resolved, new: Resolved) -> Iterator[str]:
    """Every setting that has another value, in the order of the documentation. One that is not there is its default."""
    before = {value.setting: value for value in old.values}
    after = {value.setting: value for value in new.values}
    for name in {**after, **before}:
        was, now = before.get(name), after.get(name)
        if was is not None and now is not None:
            if was.value != now.value:
                yield name
        elif (only := was or now) is not None and only.origin != DEFAULT:
            yield name


def _section(setting: str) -> str:
    return setting.partition(".")[0]
