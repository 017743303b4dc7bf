"""Who changed what, from the command line."""

import csv
import io
import json
from pathlib import Path

import pytest

from tests.cli.calling import Run


@pytest.fixture(autouse=True)
def data(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLYGATE_DATA", "data")
    assert run("workspaces", "create", "acme").exit_code == 0
    assert run("workspaces", "disable", "acme").exit_code == 0


def test_changes_are_listed(run: Run) -> None:
    result = run("audit", "list")
    assert [line.split()[4] for line in result.stdout.splitlines()[1:]] == ["cli"] * 3
    assert "workspace.disable" in result.stdout
    rows = json.loads(run("audit", "list", "--action", "workspace", "--json").stdout)
    assert [row["action"] for row in rows] == ["workspace.create", "workspace.disable"]
    assert json.loads(run("audit", "list", "--after", str(rows[-1]["seq"]), "--json").stdout) == []
    assert json.loads(run("audit", "list", "--from", "2099-01-01", "--json").stdout) == []


def test_they_are_exported_in_every_form(run: Run) -> None:
    table = list(csv.DictReader(io.StringIO(run("audit", "export").stdout)))
    as_json = json.loads(run("audit", "export", "--format", "json").stdout)
    lines = [json.loads(line) for line in run("audit", "export", "--format", "ndjson").stdout.splitlines()]
    assert [row["action"] for row in table] == [row["action"] for row in as_json]
    assert as_json == lines
    assert run("audit", "export", "--out", "audit.csv").exit_code == 0
    assert Path("audit.csv").read_text().count("\n") == 4


def test_nothing_is_an_empty_export(run: Run) -> None:
    nothing = ("audit", "export", "--actor", "nobody", "--format")
    assert json.loads(run(*nothing, "json").stdout) == []
    assert run(*nothing, "ndjson").stdout == ""
