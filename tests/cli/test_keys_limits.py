"""Limits of keys, users and workspaces from the command line, on either engine."""

from typing import Any

import msgspec
import pytest

from tests.cli.calling import Run


@pytest.fixture(autouse=True)
def acme(empty_database_url: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database with the workspace acme and its key ci."""
    monkeypatch.setenv("TALLYGATE_DATA", "data")
    monkeypatch.setenv("TALLYGATE_DATABASE_URL", empty_database_url)
    run("workspaces", "create", "acme")
    limits = ["--budget", "5/daily", "--budget", "50.5/monthly", "--concurrency", "2"]
    created = run("keys", "create", "--workspace", "acme", "--name", "ci", *limits)
    assert created.exit_code == 0, created.stderr
    assert "5.00 USD daily, 50.50 USD monthly" in created.stderr


def limits(run: Run, *arguments: str) -> dict[str, Any]:
    """What a limits verb prints as JSON; of the budgets only what is set."""
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    printed = msgspec.json.decode(result.stdout)
    return {**printed, "budgets": {budget["period"]: budget["limit_usd"] for budget in printed["budgets"]}}


def test_a_key_has_the_limits_it_was_made_with(run: Run) -> None:
    kept = limits(run, "keys", "limits", "ci")
    assert (kept["level"], kept["name"], kept["workspace"]) == ("key", "ci", "acme")
    assert kept["budgets"] == {"daily": "5.00", "monthly": "50.50"}
    assert (kept["concurrency"], kept["calls_open"], kept["shorten"]) == (2, 0, True)


def test_what_is_given_changes_and_the_rest_stays(run: Run) -> None:
    changes = ["--no-budget", "daily", "--budget", "7/total", "--concurrency", "default", "--no-shorten"]
    changed = limits(run, "keys", "limits", "ci", "--workspace", "acme", *changes)
    assert changed["budgets"] == {"monthly": "50.50", "total": "7.00"}
    assert (changed["concurrency"], changed["shorten"]) == (None, False)
    assert limits(run, "keys", "limits", "ci") == changed


def test_users_and_workspaces_have_their_own(run: Run) -> None:
    assert limits(run, "users", "limits", "owner", "--workspace", "acme", "--concurrency", "0")["concurrency"] == 0
    assert limits(run, "users", "limits", "owner", "--workspace", "acme")["concurrency"] == 0
    assert limits(run, "workspaces", "limits", "acme", "--budget", "9/weekly")["budgets"] == {"weekly": "9.00"}
    assert limits(run, "workspaces", "limits", "acme")["budgets"] == {"weekly": "9.00"}


@pytest.mark.parametrize(
    "whose",
    [("keys", "limits", "ci"), ("users", "limits", "owner", "--workspace", "acme"), ("workspaces", "limits", "acme")],
)
def test_requests_and_tokens_in_a_minute_are_set_and_taken_away(run: Run, whose: tuple[str, ...]) -> None:
    changed = limits(run, *whose, "--rpm", "60", "--tpm", "0")
    assert (changed["rpm"], changed["tpm"]) == (60, 0)
    lines = run(*whose).stdout.splitlines()
    assert "  requests       60 a minute (60 left)" in lines
    assert "  tokens         0 a minute (0 left)" in lines
    assert limits(run, *whose, "--tpm", "none")["rpm"] == 60
    kept = limits(run, *whose)
    assert (kept["rpm"], kept["tpm"]) == (60, None)


def test_a_key_may_be_made_with_them(run: Run) -> None:
    made = run("keys", "create", "--workspace", "acme", "--name", "slow", "--rpm", "0", "--tpm", "1000")
    assert made.exit_code == 0, made.stderr
    kept = limits(run, "keys", "limits", "slow")
    assert (kept["rpm"], kept["tpm"]) == (0, 1_000)


def test_a_person_sees_a_table(run: Run) -> None:
    lines = run("keys", "limits", "ci").stdout.splitlines()
    assert lines[0] == "key ci of acme"
    assert lines[1] == "  calls at once  2 (0 open now, of all keys of the user)"
    assert lines[5].split()[:5] == ["daily", "5.00", "0.00", "0.00", "5.00"]
    assert lines[6].split()[:5] == ["monthly", "50.50", "0.00", "0.00", "50.50"]
    assert run("workspaces", "limits", "acme").stdout == "workspace acme\n  budgets        none\n"


@pytest.mark.parametrize(
    "wrong",
    [
        ("--budget", "5"),
        ("--budget", "5/day"),
        ("--budget", "five/daily"),
        ("--budget", "5/daily", "--budget", "6/daily"),
        ("--budget", "5/daily", "--no-budget", "daily"),
        ("--no-budget", "day"),
        ("--concurrency", "many"),
        ("--concurrency", "10001"),
        ("--rpm", "many"),
        ("--tpm", "-1"),
        ("--rpm", "1000000001"),
    ],
)
def test_what_no_limit_can_be_is_a_usage_error(run: Run, wrong: tuple[str, ...]) -> None:
    result = run("keys", "limits", "ci", *wrong)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.strip()


def test_a_budget_that_is_not_there_cannot_be_removed(run: Run) -> None:
    result = run("keys", "limits", "ci", "--no-budget", "weekly")
    assert (result.exit_code, result.stderr) == (1, "There is no weekly budget to remove.\n")
