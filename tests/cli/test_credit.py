"""Credit from the command line: added once, given back, shown; on either engine."""

from typing import Any

import msgspec
import pytest

from tests.cli.calling import Run


@pytest.fixture
def acme(empty_database_url: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database with the workspace acme."""
    monkeypatch.setenv("TALLYGATE_DATA", "data")
    monkeypatch.setenv("TALLYGATE_DATABASE_URL", empty_database_url)
    assert run("workspaces", "create", "acme").exit_code == 0


def add(run: Run, usd: str = "10.00", movement_id: str = "bank-1", *more: str) -> Any:
    return run("credit", "add", "--workspace", "acme", "--usd", usd, "--id", movement_id, *more)


@pytest.mark.usefixtures("acme")
def test_credit_is_added_once(run: Run) -> None:
    first, again = add(run), add(run)
    assert (first.exit_code, again.exit_code) == (0, 0), first.stderr
    assert first.stdout == "Added 10.00 USD to acme.\nacme has 10.00 USD, of which 10.00 USD can be spent.\n"
    done, repeated, balance = again.stdout.splitlines()
    assert [done, balance] == first.stdout.splitlines()
    assert repeated.startswith("Repeated: that was done on 20")
    printed = msgspec.json.decode(add(run, "10", "bank-1", "--json").stdout)
    assert (printed["repeated"], printed["amount_usd"], printed["id"]) == (True, "10.00", "bank-1")
    assert printed["balance"]["available_usd"] == "10.00"


@pytest.mark.usefixtures("acme")
def test_the_same_id_for_another_amount_is_refused(run: Run) -> None:
    add(run)
    refused = add(run, "10.000000001")
    assert refused.exit_code == 1
    assert "used before" in refused.stderr
    assert add(run, "10.00", "bank-1", "--promo").exit_code == 1


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize("usd", ["1e3", "-5", "ten", "0.0000000001", "", "0"])
def test_what_is_no_amount_is_a_usage_error(run: Run, usd: str) -> None:
    refused = add(run, usd)
    assert refused.exit_code == 2
    assert refused.stderr.strip()


@pytest.mark.usefixtures("acme")
def test_unspent_credit_is_paid_out_at_most(run: Run) -> None:
    add(run)
    refused = run("credit", "refund", "--workspace", "acme", "--usd", "11", "--id", "back-1")
    assert (refused.exit_code, "more than the 10.00 USD" in refused.stderr) == (1, True)
    paid = run("credit", "refund", "--workspace", "acme", "--usd", "4", "--id", "back-1")
    assert paid.stdout.startswith("Paid 4.00 USD out of acme.\nacme has 6.00 USD")


@pytest.mark.usefixtures("acme")
def test_a_refund_says_of_what(run: Run) -> None:
    assert run("credit", "refund", "--usd", "1", "--id", "x").exit_code == 2
    assert run("credit", "refund", "--usd", "1", "--id", "x", "--workspace", "acme", "--call", "h1").exit_code == 2
    unknown = run("credit", "refund", "--usd", "1", "--id", "x", "--call", "h1")
    assert (unknown.exit_code, unknown.stderr) == (1, "There is no call 'h1'.\n")


@pytest.mark.usefixtures("acme")
def test_wallets_are_shown_with_what_was_moved(run: Run) -> None:
    run("workspaces", "create", "other")
    add(run)
    add(run, "3", "gift", "--promo")
    run("credit", "refund", "--workspace", "acme", "--usd", "4", "--id", "back-1")
    rows = run("credit", "show").stdout.splitlines()
    assert rows[1].split()[:4] == ["acme", "9.00", "0.00", "9.00"]
    assert rows[2].split() == ["other", "0.00", "0.00", "0.00", "never"]
    shown = run("credit", "show", "--workspace", "acme").stdout
    assert "-4.00" in shown
    assert "promo" in shown
    printed = msgspec.json.decode(run("credit", "show", "--workspace", "acme", "--json").stdout)
    assert [(line["id"], line["kind"]) for line in printed["movements"]] == [
        ("back-1", "payout"),
        ("gift", "topup"),
        ("bank-1", "topup"),
    ]
    listed = msgspec.json.decode(run("credit", "show", "--json").stdout)
    assert [(wallet["workspace"], wallet["posted_usd"]) for wallet in listed] == [("acme", "9.00"), ("other", "0.00")]


def test_without_a_workspace_a_next_step_is_named(run: Run) -> None:
    assert "tallygate serve" in run("credit", "show").stderr
    assert run("users", "create", "ada", "--workspace", "acme").exit_code == 1  # and made the database
    assert "workspaces create" in run("credit", "show").stderr
