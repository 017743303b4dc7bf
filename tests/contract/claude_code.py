"""Claude Code as its users run it without a terminal: what `make test-clients` installs, in a home of its own.

Telemetry, updates and whatever else it would ask of the network are switched off, so that all it says goes to the
address it is given.
"""

import json
import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.fakes.process import ROOT
from tests.fakes.scrub import TOLD

FOLDER = ROOT / ".clients" / "claude-code"
LAUNCHER = FOLDER / "node_modules" / "@anthropic-ai" / "claude-code" / "cli-wrapper.cjs"
RUN_TIMEOUT_S = 90
CLIENT = "Claude Code"
QUIET = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "DISABLE_TELEMETRY": "1",
}


class Run(NamedTuple):
    """How a run ended: its exit code, the JSON it printed, what it complained of, and how long it took."""

    code: int
    told: dict[str, Any]
    complaints: str
    took_s: float


class ClaudeCode:
    """The program, working in `folder / "project"` with the variables that tell it address, key and model."""

    def __init__(self, folder: Path, variables: Mapping[str, str | None]) -> None:
        assert LAUNCHER.exists(), f"{LAUNCHER} is missing: `make test-clients` installs it"
        self.project = folder / "project"
        self.project.mkdir()
        own = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(folder)}
        env = {**own, **QUIET, "CLAUDE_CONFIG_DIR": str(folder / "config"), **variables}
        self._env = {name: value for name, value in env.items() if value is not None}

    def run(self, prompt: str, *arguments: str) -> Run:
        """One prompt to its end."""
        begun_s = time.monotonic()
        done = subprocess.run(
            ["node", LAUNCHER, "-p", prompt, "--output-format", "json", *arguments],
            env=self._env,
            cwd=self.project,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=RUN_TIMEOUT_S,
            check=False,
        )
        told = json.loads(done.stdout) if done.stdout.startswith("{") else {"result": done.stdout}
        return Run(done.returncode, told, done.stderr, time.monotonic() - begun_s)

    def play(self, *steps: dict[str, Any]) -> Run:
        """A task whose provider performs these steps, with the tools that read and write files."""
        return self.run(f"{TOLD}\nscript: " + json.dumps(steps), "--allowedTools", "Write,Read,Edit")


def read_version() -> str:
    """The version that is installed. Raises AssertionError where none is."""
    assert LAUNCHER.exists(), f"{LAUNCHER} is missing: `make test-clients` installs it"
    return json.loads(LAUNCHER.with_name("package.json").read_text(encoding="utf-8"))["version"]


def point_at(url: str, key: str, model: str) -> dict[str, str | None]:
    """The variables that point it at an address without the help of a gateway."""
    models = {f"ANTHROPIC_DEFAULT_{size}_MODEL": model for size in ("OPUS", "SONNET", "HAIKU")}
    return {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_AUTH_TOKEN": key, **models}


# Looking for models is the one thing it asks of the network beside inference; this lets it.
DISCOVERY: dict[str, str | None] = {
    "CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY": "1",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": None,
}


def note_task(note: Path) -> list[dict[str, Any]]:
    """A task of several turns: write a file, read it, change it, and tell."""
    return [
        {
            "think": "A note is wanted.",
            "say": "I write the note.",
            "calls": [{"name": "Write", "input": {"file_path": str(note), "content": "tally: one\n"}}],
        },
        {"calls": [{"name": "Read", "input": {"file_path": str(note)}}]},
        {
            "say": "Two is more.",
            "calls": [
                {
                    "name": "Edit",
                    "input": {"file_path": str(note), "old_string": "tally: one", "new_string": "tally: two"},
                },
                {"name": "Read", "input": {"file_path": str(note)}},
            ],
        },
        {"say": "The note says two."},
    ]
