"""Workspaces, users and keys from the command line, against a database on either engine."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tallygate.access.keys import well_formed
from tallygate.access.permissions import DEFAULT_GRANT
from tallygate.store.address import parse_address
from tallygate.store.migrate import migrate
from tests.cli.calling import Run


@pytest.fixture
def data(empty_database_url: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder, and a database with the workspace acme."""
    monkeypatch.setenv("TALLYGATE_DATA", "data")
    monkeypatch.setenv("TALLYGATE_DATABASE_URL", empty_database_url)
    assert run("workspaces", "create", "acme").exit_code == 0
    return Path("data")


def listed(run: Run, *arguments: str) -> list[dict[str, Any]]:
    """What a list verb prints as JSON."""
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return msgspec.json.decode(result.stdout)


def test_a_workspace_begins_with_an_owner_and_can_be_closed(run: Run, data: Path) -> None:
    (workspace,) = listed(run, "workspaces", "list")
    assert (workspace["name"], workspace["status"]) == ("acme", "active")
    assert [user["name"] for user in listed(run, "users", "list")] == ["owner"]
    assert "acme" in run("workspaces", "disable", workspace["id"]).stdout
    assert listed(run, "workspaces", "list")[0]["status"] == "disabled"


def test_a_user_is_created_listed_and_shut_out(run: Run, data: Path) -> None:
    assert run("users", "create", "ann", "--workspace", "acme").exit_code == 0
    assert [user["name"] for user in listed(run, "users", "list", "--workspace", "acme")] == ["owner", "ann"]
    assert run("users", "disable", "ann", "--workspace", "acme").exit_code == 0
    assert [user["status"] for user in listed(run, "users", "list")] == ["active", "disabled"]


def test_a_new_key_stands_alone_on_stdout_and_nowhere_afterwards(run: Run, data: Path) -> None:
    result = run("keys", "create", "--workspace", "acme", "--name", "ci")
    key = result.stdout.strip()
    assert well_formed(key, "lx-")
    assert result.stdout == f"{key}\n"
    assert key not in result.stderr
    shown = run("keys", "list")
    assert key not in shown.output
    assert key[-4:] in shown.stdout
    for file in data.rglob("*"):
        assert key.encode() not in (file.read_bytes() if file.is_file() else b"")


def test_what_is_asked_for_a_key_is_kept(run: Run, data: Path) -> None:
    run("users", "create", "ann", "--workspace", "acme")
    options = ["--user", "ann", "--name", "ci", "--expires", "2099-01-31T12:00+02:00"]
    limits = ["--model", "b", "--model", "a", "--permission", "models:use"]
    created = msgspec.json.decode(run("keys", "create", "--workspace", "acme", *options, *limits, "--json").stdout)
    (kept,) = listed(run, "keys", "list")
    assert {"key": created["key"], **kept} == created
    assert (kept["user"], kept["name"], kept["expires_at"]) == ("ann", "ci", "2099-01-31T10:00:00Z")
    assert (sorted(kept["models"]), kept["permissions"]) == (["a", "b"], ["models:use"])


def test_a_key_gets_the_default_grant_and_every_model(run: Run, data: Path) -> None:
    run("keys", "create", "--workspace", "acme")
    (kept,) = listed(run, "keys", "list")
    assert (set(kept["permissions"]), kept["models"], kept["expires_at"]) == (set(DEFAULT_GRANT), None, None)


@pytest.mark.parametrize("by", ["id", "name"])
def test_a_key_is_revoked_by_id_or_name(run: Run, data: Path, by: str) -> None:
    created = msgspec.json.decode(run("keys", "create", "--workspace", "acme", "--name", "ci", "--json").stdout)
    result = run("keys", "revoke", created[by])
    assert result.exit_code == 0, result.stderr
    assert created["key"] not in result.output
    assert listed(run, "keys", "list")[0]["status"] == "revoked"


def test_lists_of_nothing_say_what_to_do(empty_database_url: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLYGATE_DATABASE_URL", empty_database_url)
    for verb in ("workspaces", "users", "keys"):
        result = run(verb, "list")
        # What only reads makes no database: the folder may be a wrong one.
        assert (result.exit_code, result.stdout) == (1, "")
        assert "There is no database" in result.stderr
    migrate(parse_address(empty_database_url, Path()))
    for verb in ("workspaces", "users", "keys"):
        result = run(verb, "list")
        assert (result.exit_code, result.stdout) == (0, "")
        assert "create" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("workspaces", "create", "acme"),
        ("workspaces", "disable", "nobody"),
        ("users", "create", "owner", "--workspace", "acme"),
        ("users", "list", "--workspace", "nobody"),
        ("users", "disable", "nobody", "--workspace", "acme"),
        ("keys", "create", "--workspace", "nobody"),
        ("keys", "create", "--workspace", "acme", "--user", "nobody"),
        ("keys", "list", "--workspace", "nobody"),
        ("keys", "revoke", "nothing"),
    ],
)
def test_what_cannot_be_done_ends_with_1_and_one_sentence(run: Run, data: Path, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert not result.stdout


def test_another_pepper_makes_no_keys_that_would_be_refused(
    run: Run, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("keys", "create", "--workspace", "acme").exit_code == 0
    monkeypatch.setenv("TALLYGATE_KEYS__PEPPER", "ab" * 32)
    result = run("keys", "create", "--workspace", "acme")
    assert result.exit_code == 1
    assert "pepper" in result.stderr
    assert "abab" not in result.output


def test_a_user_has_a_role_that_bounds_their_keys(run: Run, data: Path) -> None:
    assert run("users", "create", "ann", "--workspace", "acme", "--role", "viewer").exit_code == 0
    assert run("users", "create", "bob", "--workspace", "acme", "--role", "root").exit_code == 2
    assert [user["role"] for user in listed(run, "users", "list")] == ["admin", "viewer"]
    asked = ("keys", "create", "--workspace", "acme", "--user", "ann", "--permission", "models:use")
    refused = run(*asked)
    assert refused.exit_code == 2
    assert "'viewer'" in refused.stderr
    assert "member" in run("users", "role", "ann", "member", "--workspace", "acme").stdout
    assert run(*asked).exit_code == 0


def test_an_operator_alone_has_admin_keys(run: Run, data: Path) -> None:
    asked = ("keys", "create-admin", "--workspace", "acme", "--user", "owner", "--expires", "30d")
    assert run(*asked).exit_code == 2
    assert run("users", "role", "owner", "operator", "--workspace", "acme").exit_code == 0
    assert run(*asked).stdout.startswith("lx-a_")
    (key,) = listed(run, "keys", "list")
    assert (key["class"], key["permissions"]) == ("admin", ["admin:access"])


def test_a_rotated_key_is_shown_once_and_its_earlier_text_has_an_end(run: Run, data: Path) -> None:
    options = ("--network", "192.0.2.0/24", "--network", "2001:db8::1")
    first = run("keys", "create", "--workspace", "acme", "--name", "ci", *options).stdout.strip()
    result = run("keys", "rotate", "ci", "--overlap", "2d")
    second = result.stdout.strip()
    assert well_formed(second, "lx-")
    assert second != first
    key, earlier = listed(run, "keys", "list")
    assert (key["name"], key["last4"], key["expires_at"]) == ("ci", second[-4:], None)
    assert key["networks"] == ["192.0.2.0/24", "2001:db8::1/128"]
    assert (earlier["last4"], earlier["replaced_by"], earlier["status"]) == (first[-4:], key["id"], "active")
    assert earlier["expires_at"] is not None
    assert "replaced" in run("keys", "list").stdout
    assert run("keys", "rotate", "ci", "--overlap", "0").exit_code == 0
    assert listed(run, "keys", "list")[-1]["status"] == "revoked"
    assert run("keys", "rotate", "ci", "--overlap", "31d").exit_code == 2
    assert run("keys", "create", "--workspace", "acme", "--network", "nowhere").exit_code == 2
