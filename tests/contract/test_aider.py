"""aider against the gateway: one edit of a file in a small repository, over either vendor's API, and refused.

Only `make test-clients` installs the program. What it says goes to the address it is given and to nobody else.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.contract.compatibility import UPSTREAMS, tried
from tests.contract.gateway import Gateway
from tests.contract.market import CLAUDES, MODELS, check_money, settle_client
from tests.contract.players.watch import STRANGERS
from tests.fakes.process import ROOT
from tests.fakes.upstream import Upstream

pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(sys.version_info >= (3, 13), reason="aider has no release for this Python"),
    pytest.mark.timeout(300),
]

PYTHON = ROOT / ".venv-aider" / "bin" / "python"
RUN_TIMEOUT_S = 280
QUIET = (
    *("--no-check-update", "--no-show-release-notes", "--no-show-model-warnings", "--analytics-disable"),
    *("--no-analytics", "--no-detect-urls", "--no-suggest-shell-commands", "--disable-playwright", "--no-gitignore"),
    *("--no-pretty", "--no-fancy-input", "--map-tokens", "0", "--yes-always"),
)
LOCAL = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True"}
CLIENTS = {"aider, openai/…": "openai", "aider, anthropic/…": "anthropic"}
"""The two languages that it speaks to a gateway."""

VERSION = next((path.stem.split("-")[1] for path in (ROOT / ".venv-aider").rglob("aider_chat-*.dist-info")), "")


class Run(NamedTuple):
    """How a run ended."""

    code: int
    said: str
    strangers: str


class Aider:
    """The program, working on `note.txt` in a repository of its own."""

    def __init__(self, folder: Path, gateway: Gateway, client: str, dialect: str, key: str) -> None:
        assert PYTHON.exists(), f"{PYTHON} is missing: `make test-clients` installs it"
        vendor = CLIENTS[client]
        name, base = (MODELS[dialect], "/v1") if vendor == "openai" else (CLAUDES[dialect], "")
        self.model = f"{vendor}/{name}"
        self.project = folder / "project"
        self.project.mkdir()
        (self.project / "note.txt").write_text("tally: one\n")
        # The form of edits is part of the model's settings; the echo that answers must not repeat how it is explained.
        self.settings = folder / "models.yml"
        self.settings.write_text(f"- name: {self.model}\n  edit_format: whole\n  reminder: sys\n")
        # It looks for prices in the network unless it has looked today.
        prices = folder / ".aider" / "caches" / "model_prices_and_context_window.json"
        prices.parent.mkdir(parents=True)
        prices.write_text(json.dumps({"none": {}}))
        address = {f"{vendor.upper()}_API_BASE": gateway.url + base, f"{vendor.upper()}_API_KEY": key}
        own = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}
        self._env = {**own, **LOCAL, **address, "GIT_CONFIG_GLOBAL": os.devnull}
        for arguments in (
            "init -q",
            "config user.name A",
            "config user.email a@lab.invalid",
            "add .",
            "commit -qm one",
        ):
            subprocess.run(["git", *arguments.split()], cwd=self.project, env=self._env, check=True)

    def run(self, message: str, *arguments: str) -> Run:
        """One message to its end."""
        models = ("--model", self.model, "--weak-model", self.model, "--model-settings-file", str(self.settings))
        watched = (PYTHON, "-m", "tests.contract.players.watch", "aider.main")
        done = subprocess.run(
            [*watched, *models, *QUIET, *arguments, "--message", message, "note.txt"],
            env=self._env,
            cwd=self.project,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=RUN_TIMEOUT_S,
            check=False,
        )
        return Run(done.returncode, done.stdout + done.stderr, done.stderr.partition(STRANGERS)[2].strip())


clients = pytest.mark.parametrize("client", CLIENTS)
dialects = pytest.mark.parametrize("dialect", UPSTREAMS)


@clients
@dialects
@pytest.mark.parametrize("how", ["--stream", "--no-stream"])
def test_an_edit_is_made_paid_and_committed(
    market: Gateway,
    served_by: dict[str, Upstream],
    tmp_path: Path,
    client: str,
    dialect: str,
    how: str,
) -> None:
    opening = f"aider-{CLIENTS[client]}{how}/{dialect}"
    tenant = settle_client(market, f"aider-{CLIENTS[client]}{how}", dialect)
    aider = Aider(tmp_path, market, client, dialect, tenant.key)
    with tried(client, VERSION, dialect, "task"):
        run = aider.run(f"{opening}: write this\n\nnote.txt\n```\ntally: two\n```\n", how)
        assert run.code == 0, run.said
        assert (aider.project / "note.txt").read_text() == "tally: two\n", run.said
        log = subprocess.run(["git", "log", "--oneline"], cwd=aider.project, capture_output=True, text=True, check=True)
        assert len(log.stdout.splitlines()) == 2, "the edit is committed, with words that the model found"
    with tried(client, VERSION, dialect, "usage"):
        assert "Tokens: " in run.said
    with tried(client, VERSION, dialect, "money"):
        check_money(tenant, served_by[dialect], opening)
    assert run.strangers == ""


@clients
@dialects
def test_a_wrong_key_is_told(market: Gateway, tmp_path: Path, client: str, dialect: str) -> None:
    with tried(client, VERSION, dialect, "401"):
        run = Aider(tmp_path, market, client, dialect, "lx-nobody").run("Hello")
        assert "AuthenticationError" in run.said, run.said
        assert "Retrying in" not in run.said, run.said


@pytest.mark.parametrize(("client", "dialect"), [*zip(CLIENTS, UPSTREAMS, strict=True)])
def test_an_empty_balance_is_told_in_the_end(
    market: Gateway, poor_key: str, tmp_path: Path, client: str, dialect: str
) -> None:
    # Its litellm has no class for this status, and aider takes whatever has none for a fault that passes.
    with tried(client, VERSION, dialect, "402", instead="told, but only after trying for a minute"):
        aider = Aider(tmp_path, market, client, dialect, poor_key)
        run = aider.run("Hello")
        assert "balance does not cover" in " ".join(run.said.split()), run.said
        assert "Retrying in" in run.said, run.said
        assert (aider.project / "note.txt").read_text() == "tally: one\n"
