"""The command line as the tests call it: in this process, with an environment and a folder of its own."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tallygate.cli import app

Run = Callable[..., Result]


def prepare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A function that runs `tallygate` in an empty folder. Nothing of the machine's environment shows through."""
    for name in os.environ:
        if name not in ("PATH", "LANG", "LC_ALL", "PYTHONPATH"):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home)

    def run(*arguments: str) -> Result:
        result = CliRunner().invoke(app, list(arguments))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run
