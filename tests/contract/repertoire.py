"""Scenarios that an official client plays: entered by name, played by whichever interpreter has it, told as JSON.

Plain Python without any client, so that every environment can import it; nothing of the gateway is imported here.
"""

import json
import subprocess
import sys
import traceback
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

from tests.fakes.process import ROOT

Facts = dict[str, Any]
StageT = TypeVar("StageT")
Error = TypeVar("Error", bound=Exception)

PLAY_TIMEOUT_S = 110


class Repertoire(Generic[StageT]):
    """The scenarios of one client, each with the servers where it has a meaning."""

    def __init__(self) -> None:
        self._scenarios: dict[str, tuple[tuple[str, ...], Callable[[StageT], Facts | None]]] = {}

    def scenario(self, *servers: str) -> Callable[[Callable[[StageT], Facts | None]], Callable[[StageT], Facts | None]]:
        """Enter a scenario under its function's name, for the servers where it has a meaning."""

        def enter(play: Callable[[StageT], Facts | None]) -> Callable[[StageT], Facts | None]:
            self._scenarios[play.__name__] = (servers, play)
            return play

        return enter

    def names_for(self, server: str) -> list[str]:
        """The scenarios that have a meaning for a server."""
        return [name for name, (servers, _) in self._scenarios.items() if server in servers]

    def play(self, version: str, make_stage: Callable[[str, str, str, str], StageT]) -> None:
        """The command line `URL KEY SERVER [SCENARIO...]`: play, and print one JSON object that tells how it went."""
        url, key, server, *chosen = sys.argv[1:]
        report: dict[str, Facts] = {}
        for name in chosen or self.names_for(server):
            try:
                facts = self._scenarios[name][1](make_stage(url, key, server, name))
                report[name] = {"error": None, "facts": facts or {}}
            except Exception:  # noqa: BLE001 - whatever a client raises is what the report is for
                report[name] = {"error": traceback.format_exc(), "facts": {}}
        sys.stdout.write(json.dumps({"version": version, "report": report}) + "\n")


def failure_of(expected: type[Error], ask: Callable[[], object]) -> Error:
    """The error that asking ends in. Raises AssertionError if it ends well."""
    try:
        ask()
    except expected as error:
        return error
    raise AssertionError(f"no {expected.__name__} was raised")


@cache
def play(interpreter: Path, module: str, url: str, key: str, server: str, *chosen: str) -> dict[str, Any]:
    """What the scenarios' own interpreter tells: `version`, and under `report` each scenario's `error` and `facts`."""
    assert interpreter.exists(), f"{interpreter} is missing: `make test` builds it"
    done = subprocess.run(
        [interpreter, "-m", module, url, key, server, *chosen],
        capture_output=True,
        text=True,
        timeout=PLAY_TIMEOUT_S,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def outcome(told: dict[str, Any], scenario: str) -> Facts:
    """The facts of one scenario. Fails the test with the client's own traceback if it went wrong."""
    result = told["report"][scenario]
    assert result["error"] is None, result["error"]
    return result["facts"]
