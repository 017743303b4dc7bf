"""What the gateway needs at run time is agreed, explained, and no more; nothing else starts with the interpreter."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from tests.house.source import ROOT

PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT: dict[str, Any] = PYPROJECT["project"]

# The base install is the client, the vocabulary and the verifier: it stays small.
BASE_MAX = 3
SERVER_MAX = 7
# With what they bring along, on every platform.
LOCKED_MAX = 31

# A `.pth` file may run code at every start of Python. Ours puts the source tree on the path; the other is setuptools'.
PATH_FILES = {"_editable_impl_tallygate.pth", "distutils-precedence.pth"}

SERVER_ONLY = ("alembic", "argon2-cffi", "jinja2", "prometheus-client", "psycopg", "sqlalchemy", "uvloop")
# The modules of a package whose name is another.
MODULES = tuple(
    {"argon2-cffi": "argon2", "prometheus-client": "prometheus_client"}.get(name, name) for name in SERVER_ONLY
)


def test_every_package_is_agreed_and_explained() -> None:
    extras = PROJECT["optional-dependencies"]
    base, server = (_names(lines) for lines in (PROJECT["dependencies"], extras["server"]))
    every = base.union(*map(_names, extras.values()))
    assert len(base) <= BASE_MAX
    assert len(server) <= SERVER_MAX
    assert server == set(SERVER_ONLY)
    unexplained = [name for name in every if not (ROOT / f"docs/why/{name}.md").is_file()]
    assert not unexplained, f"no page in docs/why for {unexplained}"


def test_what_they_bring_along_is_bounded() -> None:
    assert len(_locked("server")) <= LOCKED_MAX


def test_the_locks_agree() -> None:
    server = _locked("server")
    for other in ("test", "docs"):
        assert server.items() <= _locked(other).items()


def test_every_locked_package_has_hashes() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        for entry in re.split(r"\n(?=[a-z])", lock.read_text())[1:]:
            assert "--hash=sha256:" in entry, f"{lock.name}: {entry}"


def test_nothing_unknown_starts_with_python() -> None:
    found = {path.name for folder in sys.path if folder.endswith("-packages") for path in Path(folder).glob("*.pth")}
    assert found <= PATH_FILES


def test_the_base_install_needs_nothing_of_the_server() -> None:
    program = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {MODULES!r}:
            raise ModuleNotFoundError(f"{{name}} belongs to the server")
sys.meta_path.insert(0, Absent())
sys.argv = ["tallygate", "--help"]
from tallygate.cli import main
main()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "serve" in done.stdout


def _names(lines: list[str]) -> set[str]:
    return {match[0] for line in lines if (match := re.match(r"[a-z0-9-]+", line))}


def _locked(name: str) -> dict[str, str]:
    text = (ROOT / f"requirements/{name}.txt").read_text()
    return {match[1]: match[2] for match in re.finditer(r"^([a-z0-9-]+)(?:\[\w+\])?==(\S+)", text, re.MULTILINE)}
