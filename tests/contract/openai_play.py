"""Plays the scenarios by whichever major of the official OpenAI client the interpreter has, and prints how they went.

One JSON object on standard output: the client's version, and for each scenario `error` (null when all was well) and
`facts` for the test that started it.

    python -m tests.contract.openai_play URL KEY SERVER [SCENARIO...]

SERVER is `upstream` (the fake provider without a gateway, which proves the fake), `gateway` (the same through the
gateway) or `mock` (models the gateway serves itself).
"""

import json
import sys
import traceback

import openai

from tests.contract import openai_scenarios, openai_trouble
from tests.contract.openai_stage import SCENARIOS, Facts, Stage

PLAYED = (openai_scenarios, openai_trouble)


def main(url: str, key: str, server: str, chosen: list[str]) -> dict[str, Facts]:
    """Play the chosen scenarios, or all that have a meaning for the server."""
    report: dict[str, Facts] = {}
    for name in chosen or [name for name, (servers, _) in SCENARIOS.items() if server in servers]:
        try:
            report[name] = {"error": None, "facts": SCENARIOS[name][1](Stage(url, key, server, name)) or {}}
        except Exception:  # noqa: BLE001 - whatever a client raises is what the report is for
            report[name] = {"error": traceback.format_exc(), "facts": {}}
    return report


if __name__ == "__main__":
    told = {"openai": openai.__version__, "report": main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])}
    sys.stdout.write(json.dumps(told) + "\n")
