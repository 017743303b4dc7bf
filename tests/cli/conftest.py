"""What the tests of every verb start from."""

from pathlib import Path

import pytest

from tests.cli.calling import Run, prepare


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `tallygate` with these arguments."""
    return prepare(tmp_path, monkeypatch)
