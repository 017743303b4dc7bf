"""A user's password from the command line: asked for or piped in, never an argument, and only its hash is kept."""

import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tallygate.access.passwords import is_password
from tallygate.cli import app
from tallygate.genai.secret import Secret
from tallygate.store.address import parse_address
from tallygate.store.database import Database
from tallygate.store.sessions import find_holder
from tests.cli.calling import Run

PASSWORD = "correct horse battery"


@pytest.fixture
def database(empty_database_url: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> Generator[Database]:
    """A database with the workspace acme, as the command line sees it."""
    monkeypatch.setenv("TALLYGATE_DATA", "data")
    monkeypatch.setenv("TALLYGATE_DATABASE_URL", empty_database_url)
    assert run("workspaces", "create", "acme").exit_code == 0
    with Database(parse_address(empty_database_url, Path("data"))) as opened:
        yield opened


def give(typed: str, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["users", "password", *arguments], input=typed)


def fits(database: Database, password: str = PASSWORD) -> bool:
    holder = find_holder(database, "acme", "owner")
    assert holder is not None
    return is_password(holder.password, Secret(password))


def test_a_password_is_asked_for_twice(database: Database) -> None:
    result = give(f"{PASSWORD}\n{PASSWORD}\n", "owner", "--workspace", "acme")
    assert result.exit_code == 0, result.stderr
    assert PASSWORD not in result.output
    assert fits(database)


def test_a_password_comes_from_a_pipe(database: Database) -> None:
    result = give(f"{PASSWORD}\nmore\n", "owner", "--workspace", "acme", "--stdin")
    assert result.exit_code == 0, result.stderr
    assert fits(database)


def test_nothing_is_asked_where_it_could_be_seen(database: Database) -> None:
    command = [sys.executable, "-m", "tallygate", "users", "password", "owner", "--workspace", "acme"]
    typed = f"{PASSWORD}\n{PASSWORD}\n"
    ended = subprocess.run(command, input=typed, capture_output=True, text=True, start_new_session=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr == "There is no terminal to ask at: send the password to stdin, and add --stdin.\n"
    assert not fits(database)


@pytest.mark.parametrize(("typed", "exit_code"), [("short\n", 2), ("", 1)])
def test_what_is_no_password_is_refused(database: Database, typed: str, exit_code: int) -> None:
    assert give(typed, "owner", "--workspace", "acme", "--stdin").exit_code == exit_code
    assert not fits(database, "short")


def test_nobody_of_that_name(database: Database) -> None:
    assert give(f"{PASSWORD}\n", "nobody", "--workspace", "acme", "--stdin").exit_code == 1
