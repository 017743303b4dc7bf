"""Plays what a client can do, one method of its player for each feature, and prints how it went as one JSON object.

Runs in the client's own environment. Whoever it asks beside this machine is refused and told of under `strangers`.

    python -m tests.contract.players.play MODULE:CLASS < STAGE
"""

import importlib
import json
import sys
import traceback
from typing import Any

from tests.contract.players.stage import Stage, Told

FEATURES = ("answer", "stream", "tools", "structure", "thinking", "models", "task", "usage", "401", "402")
LOOPBACK = {"127.0.0.1", "::1", "localhost", "", "None"}


class Watch:
    """Refuses every address beyond this machine, and remembers it: no client's telemetry or price list is asked for."""

    def __init__(self) -> None:
        self.strangers: set[str] = set()
        sys.addaudithook(self._look)

    def _look(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.getaddrinfo":
            self._admit(arguments[0])
        elif event == "socket.connect" and isinstance(arguments[1], tuple):
            self._admit(arguments[1][0])

    def _admit(self, host: object) -> None:
        name = host.decode() if isinstance(host, bytes) else str(host)
        if name not in LOOPBACK:
            self.strangers.add(name)
            raise ConnectionRefusedError(f"{name} is not this machine")


def perform(player: Any) -> dict[str, Told]:
    """Every feature that the player has a method for, in order."""
    report: dict[str, Told] = {}
    for feature in FEATURES:
        act = getattr(player, f"refused_{feature}" if feature.isdigit() else feature, None)
        if act is None:
            continue
        try:
            report[feature] = {"error": None, "instead": act() or ""}
        except Exception:  # noqa: BLE001 - whatever a client raises is what the report is for
            report[feature] = {"error": traceback.format_exc(), "instead": ""}
    return report


def main() -> None:
    """The command line."""
    watch = Watch()
    module, name = sys.argv[1].split(":")
    player = getattr(importlib.import_module(f"tests.contract.players.{module}"), name)
    report = perform(player(Stage(**json.load(sys.stdin))))
    told = {"version": player.version, "report": report, "strangers": sorted(watch.strangers)}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
