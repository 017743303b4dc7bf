"""The tree of verbs: found by name, listed without being imported, called with plain ends."""

import ast
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
import typer
from typer.core import TyperGroup
from typer.main import get_command

import tallygate.cli
import tallygate.cli.receipts
from tallygate import __version__
from tallygate.cli import SHARED, app, list_verbs
from tests.cli.calling import Run, prepare

SCRIPT = Path(sys.executable).with_name("tallygate")
REFERENCE = Path(__file__).parents[1] / "docs" / "reference" / "cli.md"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `tallygate` with these arguments."""
    return prepare(tmp_path, monkeypatch)


@pytest.mark.parametrize("package", [tallygate.cli, tallygate.cli.receipts], ids=["tallygate", "receipts"])
def test_each_file_is_a_verb_and_its_first_sentence_the_help(package: ModuleType) -> None:
    folder = Path(package.__path__[0])
    files = {file.stem: file for file in folder.glob("[a-z]*.py")}
    files |= {file.parent.name: file for file in folder.glob("[a-z]*/__init__.py")}
    verbs = list_verbs(package.__name__)
    assert set(verbs) == set(files) - {SHARED}
    for name, line in verbs.items():
        docstring = ast.get_docstring(ast.parse(files[name].read_text("utf-8")))
        assert docstring is not None
        assert line == docstring.splitlines()[0]
        assert line.endswith(".")
        assert len(line) <= 60, "it would be cut in a terminal of 80 columns"


@pytest.mark.parametrize(
    "group", ["audit", "credit", "import", "keys", "ledger", "prices", "receipts", "users", "workspaces"]
)
def test_no_line_of_help_is_cut(run: Run, group: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    listed = run(group, "--help").stdout.partition("Commands:")[2]
    assert listed
    assert "..." not in listed


def test_help_lists_every_verb_and_imports_none() -> None:
    code = (
        "import sys\nsys.argv = ['tallygate', '--help']\nfrom tallygate.cli import main\n"
        "try:\n    main()\nfinally:\n    print('\\n'.join(sorted(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for name, line in list_verbs().items():
        assert f"  {name} " in run.stdout
        assert line in run.stdout
    modules = run.stdout.split()
    ours = {name for name in modules if name.startswith("tallygate.")}
    needed = ("tallygate.cli", "tallygate.cli.terminal", "tallygate.cli.terminal.failure", "tallygate.errors")
    assert {name for name in ours if not name.startswith("tallygate.errors.")} == set(needed)
    assert set(modules).isdisjoint({"sqlalchemy", "pydantic", "rich", "aiohttp", "msgspec"})


def test_the_script_says_its_version() -> None:
    run = subprocess.run([SCRIPT, "--version"], capture_output=True, text=True, check=True)
    assert run.stdout == f"tallygate {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("kyes",), "Did you mean 'keys'?"),
        (("keys", "create"), "--workspace"),
        (("keys", "create", "--workspace", "a", "--expires", "soon"), "no moment"),
        (("keys", "create", "--workspace", "a", "--permission", "all"), "no permission 'all'"),
        (("env", "netscape"), "not a client known here"),
        (("serve", "--port", "99999"), "--port"),
    ],
)
def test_wrong_usage_ends_with_2_and_a_hint(run: Run, arguments: tuple[str, ...], hint: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert hint in result.stderr
    assert not result.stdout


@pytest.mark.parametrize("verb", [("check",), ("keys", "list"), ("env",), ("models", "list"), ("serve",)])
def test_a_configuration_that_cannot_be_used_ends_with_1_and_its_place(run: Run, verb: tuple[str, ...]) -> None:
    Path("tallygate.toml").write_text("[server]\nprot = 1\n")
    result = run(*verb)
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "The configuration cannot be used.",
        "  server.prot: no such setting; did you mean server.port? (from tallygate.toml:2)",
    ]
    assert not result.stdout


def test_a_folder_that_cannot_be_made_ends_with_1_and_its_name(run: Run) -> None:
    Path("file").write_text("")
    result = run("workspaces", "create", "acme", "--data", "file/data")
    assert result.exit_code == 1
    assert "file/data" in result.stderr
    assert len(result.stderr.splitlines()) <= 2


def test_the_reference_has_every_command_and_no_other() -> None:
    headings = [line.removeprefix("## ") for line in REFERENCE.read_text("utf-8").splitlines() if line[:3] == "## "]
    assert sorted(headings) == sorted(f"`tallygate {name}`" for name in _list_commands())


def test_json_is_offered_by_everything_that_lists() -> None:
    commands = _list_commands()
    for name, command in commands.items():
        if name not in (
            "serve",
            "export",
            "audit export",
            "users password",
        ):  # JSON anyway, a choice, or nothing at all
            assert any("--json" in parameter.opts for parameter in command.params), name


def _list_commands() -> dict[str, Any]:
    root = get_command(app)
    assert isinstance(root, TyperGroup)
    found: dict[str, Any] = {}
    with typer.Context(root) as context:
        for verb in root.list_commands(context):
            _, command, _ = root.resolve_command(context, [verb])
            if isinstance(command, TyperGroup):
                inner = {name: command.resolve_command(context, [name])[1] for name in command.commands}
                found |= {f"{verb} {name}": one for name, one in inner.items()}
            else:
                found[verb] = command
    return found


def test_output_that_nobody_reads_on_is_no_error() -> None:
    run = subprocess.run(
        ["sh", "-c", f"{SCRIPT} env | head -1"],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/bin:/bin"},
    )
    assert run.stdout.startswith("# openai")
    assert not run.stderr


def test_json_output_is_json(run: Run) -> None:
    assert run("workspaces", "create", "acme").exit_code == 0
    for arguments in (("check",), ("env",), ("workspaces", "list"), ("keys", "list"), ("users", "list")):
        assert isinstance(msgspec.json.decode(run(*arguments, "--json").stdout), list)
