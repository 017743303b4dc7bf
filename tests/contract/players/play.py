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
from tests.contract.players.watch import Watch

FEATURES = ("answer", "stream", "tools", "structure", "thinking", "models", "task", "usage", "401", "402")


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
