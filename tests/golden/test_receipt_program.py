"""The program in docs/how-to/receipts.md that needs nothing of ours: it does what the page says, on every vector."""

import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/how-to/receipts.md"
VECTORS = ROOT / "tests/receipts/vectors"
BUNDLES = sorted(path.name for path in VECTORS.glob("*.json") if path.name not in ("keys.json", "opened.json"))


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The page's program, as a file."""
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    path = tmp_path / "check.py"
    path.write_text(code, "utf-8")
    return path


def check(program: Path, bundle: Path) -> "subprocess.CompletedProcess[str]":
    """Run it as the page says, with nothing of ours to be found."""
    vkey: str = msgspec.json.decode((VECTORS / "keys.json").read_bytes())["logs"][0]["keys"][0]["vkey"]
    code = (
        "import runpy, sys\nsys.modules['tallygate'] = sys.modules['msgspec'] = None\n"
        "sys.argv = sys.argv[1:]\nrunpy.run_path(sys.argv[0], run_name='__main__')"
    )
    command = [sys.executable, "-c", code, str(program), str(bundle), vkey]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", BUNDLES)
def test_it_accepts_what_is_sound(program: Path, name: str) -> None:
    done = check(program, VECTORS / name)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"verified: entry [0-9]+ of [0-9]+ in tallygate\.example/receipts\n", done.stdout)


@pytest.mark.parametrize(
    ("old", "new"), [(b'"480001"', b'"480002"'), (b"index 11", b"index 10"), (b"\\n20\\n", b"\\n21\\n")]
)
def test_it_refuses_what_is_not(program: Path, tmp_path: Path, old: bytes, new: bytes) -> None:
    whole = (VECTORS / "whole.json").read_bytes()
    (tmp_path / "spoilt.json").write_bytes(whole.replace(old, new))
    assert whole.count(old) == 1
    done = check(program, tmp_path / "spoilt.json")
    assert (done.returncode, done.stdout) == (1, "")
