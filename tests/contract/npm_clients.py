"""The clients from npm, as `make test-clients` installs them: which there are, and how their scripts in `npm/` play.

A script plays in a process of its own, beside the packages it imports. Nothing of the gateway is imported here.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from tests.contract.gateway import Gateway
from tests.contract.tenants import Tenant, settle_in
from tests.fakes.process import ROOT

FOLDER = ROOT / ".clients" / "npm-clients"
SCRIPTS = Path(__file__).parent / "npm"
PLAY_TIMEOUT_S = 100
_BY_REFERENCE = "answer_by_reference"
_EMBEDDINGS = "embeddings"
_LACKS = {
    "responses": frozenset[str](),
    "chat": frozenset({_BY_REFERENCE}),
    "compatible": frozenset({_BY_REFERENCE}),
    "messages": frozenset({_BY_REFERENCE, _EMBEDDINGS}),
}
_INSTEAD = {
    "responses": {
        _BY_REFERENCE: "It refers to what the model said earlier, which is a 400, until it is told "
        "`providerOptions: { openai: { store: false } }`."
    },
    "chat": {"thinking": "It passes over what a model thought."},
}
_SCENARIO = re.compile(r"^  async (\w+)\(", re.MULTILINE)


class Client(NamedTuple):
    """One client in one version: what its users call it, the script that plays it, and the packages it opens.

    `instead`: what happens, by scenario, where the client cannot do what others can; `lacks`: what it does not offer.
    """

    name: str
    script: str
    packages: tuple[str, ...]
    instead: Mapping[str, str] = MappingProxyType({})
    lacks: frozenset[str] = frozenset()

    def list_scenarios(self, upstream: str) -> list[str]:
        """What its script plays of this client in front of a provider of that dialect."""
        names = _SCENARIO.findall((SCRIPTS / f"{self.script}.mjs").read_text())
        return [
            name for name in names if name not in self.lacks and (name != _EMBEDDINGS or "embed" in MODELS[upstream])
        ]


def _list_ai_sdk(sdk: str, prefix: str) -> dict[str, Client]:
    """One generation of the AI SDK with its providers."""
    wires = {"responses": "openai", "chat": "openai", "messages": "anthropic", "compatible": "openai-compatible"}
    shown = {"chat": "@ai-sdk/openai, chat"}
    return {
        f"{sdk}-{wire}": Client(
            f"AI SDK, {shown.get(wire, f'@ai-sdk/{provider}')}",
            "ai_sdk",
            (sdk, f"{prefix}{provider}", wire),
            _INSTEAD.get(wire, {}),
            _LACKS[wire],
        )
        for wire, provider in wires.items()
    }


CLIENTS = {
    "openai7": Client("openai (npm)", "openai", ("openai",)),
    "openai6": Client("openai (npm)", "openai", ("openai6",)),
    "anthropic1": Client("@anthropic-ai/sdk", "anthropic", ("@anthropic-ai/sdk",)),
    "anthropic0": Client("@anthropic-ai/sdk", "anthropic", ("anthropic0",)),
    "openrouter1": Client("@openrouter/sdk", "openrouter", ("@openrouter/sdk",)),
    **_list_ai_sdk("ai", "@ai-sdk/"),
    **_list_ai_sdk("ai6", "ai6-"),
}
MODELS = {
    "openai_chat": {"chat": "up-echo", "think": "up-think", "embed": "up-embed"},
    "anthropic_messages": {"chat": "an-echo", "think": "an-think"},
}
"""The models of each provider."""


class Played(NamedTuple):
    """What a client told, and who paid for it."""

    version: str
    report: dict[str, str]
    tenant: Tenant


def play(client: str, upstream: str, gateway: Gateway) -> Played:
    """All scenarios of a client, for a workspace of its own; one without money beside it is refused."""
    rich = settle_in(gateway, f"{client}-{upstream}", "5.00")
    poor = settle_in(gateway, f"poor-{client}-{upstream}", "0.000001")
    place = {"url": gateway.url, "key": rich.key, "poorKey": poor.key, "models": MODELS[upstream]}
    told = _run(CLIENTS[client], CLIENTS[client].list_scenarios(upstream), place)
    assert poor.read("/v1/usage?group_by=model") == []
    return Played(told["version"], told["report"], rich)


def _run(client: Client, scenarios: list[str], place: dict[str, Any]) -> dict[str, Any]:
    assert (FOLDER / "node_modules").exists(), f"{FOLDER} is missing: `make test-clients` installs it"
    scripts = shutil.copytree(SCRIPTS, FOLDER / "scripts", dirs_exist_ok=True)
    done = subprocess.run(
        ["node", scripts / "play.mjs", client.script, *map(json.dumps, (client.packages, scenarios, place))],
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
        cwd=FOLDER,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PLAY_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])  # some clients print advice before
