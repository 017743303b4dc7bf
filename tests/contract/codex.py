"""Codex as its users run it without a terminal: what `make test-clients` installs, in a home of its own.

Telemetry and updates are switched off, so that all it says goes to the address it is given. Its own sandbox is off too:
what it runs here was written by the test.
"""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.fakes.process import ROOT
from tests.fakes.scrub import TOLD

LAUNCHER = ROOT / ".clients" / "codex" / "node_modules" / "@openai" / "codex" / "bin" / "codex.js"
RUN_TIMEOUT_S = 90
QUIET = "check_for_update_on_startup = false"
SILENT = "[analytics]\nenabled = false\n"
UNGUARDED = ("--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", "--json")


class Run(NamedTuple):
    """How a run ended: its exit code, the events it printed, and what it complained of."""

    code: int
    events: list[dict[str, Any]]
    complaints: str

    def items(self, kind: str) -> list[dict[str, Any]]:
        """What it did and said, of one type, in order."""
        done = [event["item"] for event in self.events if event["type"] == "item.completed"]
        return [item for item in done if item["type"] == kind]


class Codex:
    """The program, working in `folder / "project"` with the settings that tell it address and model."""

    def __init__(self, folder: Path, settings: str, variables: Mapping[str, str | None]) -> None:
        assert LAUNCHER.exists(), f"{LAUNCHER} is missing: `make test-clients` installs it"
        self.project, home = folder / "project", folder / "config"
        self.project.mkdir()
        home.mkdir()
        (home / "config.toml").write_text(f"{QUIET}\n{settings}\n{SILENT}")
        own = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(folder), "CODEX_HOME": str(home)}
        self._env = {name: value for name, value in {**own, **variables}.items() if value is not None}

    def play(self, *steps: dict[str, Any]) -> Run:
        """A task whose provider performs these steps."""
        done = subprocess.run(
            ["node", LAUNCHER, "exec", *UNGUARDED, f"{TOLD}\nscript: {json.dumps(steps)}"],
            env=self._env,
            cwd=self.project,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=RUN_TIMEOUT_S,
            check=False,
        )
        return Run(done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr)


def run_command(command: str) -> dict[str, Any]:
    """A call of its tool for commands."""
    return {"name": "exec_command", "input": {"cmd": command}}


def run_script(script: str) -> dict[str, Any]:
    """A call of the tool that it gives models it knows, as a provider without custom tools is told of it: one text."""
    return {"name": "functions__exec", "input": {"input": script}}


_PATCH = "*** Begin Patch\n*** Add File: note.txt\n+tally: eins \u2013 one \U0001f600\n*** End Patch"
_SED = "sed -i s/eins/zwei/ note.txt && cat note.txt"
PATCH_TASK: tuple[dict[str, Any], ...] = (
    {"say": "I write it.", "calls": [run_script(f"text(await tools.apply_patch({json.dumps(_PATCH)}));")]},
    {"calls": [run_script(f"text(await tools.exec_command({json.dumps({'cmd': _SED})}));")]},
    {"say": "The note says two."},
)
"""A task in free text: a patch inside a script, a command inside another."""

NOTE_TASK: tuple[dict[str, Any], ...] = (
    {"think": "A note is wanted.", "say": "I write it.", "calls": [run_command("echo 'tally: one' > note.txt")]},
    {"calls": [run_command("sed -i s/one/two/ note.txt")]},
    {"say": "I look.", "calls": [run_command("cat note.txt"), run_command("ls")]},
    {"say": "The note says two."},
)
"""A task of several turns: write a file, change it, look at it twice at once, and tell."""
