"""The table of the pages: every line has its page, its audience and its heading in the reference."""

import pytest

from tallygate.dashboard.index import PAGES
from tallygate.dashboard.urls import LINES, NOWHERE, is_ours, match
from tallygate.errors import MethodNotAllowed
from tests.house.source import ROOT

FOR_ANYBODY = {
    "/dashboard/static/{name}",
    "/dashboard/sign-in",
    "/dashboard/sign-in/admin-key",
    "/dashboard/sign-in/check",
}
"""What opens without a session. Adding one is a decision, taken here."""


def test_every_line_has_a_page_and_every_page_a_line() -> None:
    lines = {(method, line.path) for line in LINES for method in line.methods if method != "HEAD"}
    assert lines - {("GET", "/dashboard/static/{name}")} == PAGES.keys()


def test_what_opens_without_a_session() -> None:
    assert {line.path for line in LINES if line.audience == "anybody"} == FOR_ANYBODY


def test_a_viewer_changes_nothing_but_their_own_session_and_password() -> None:
    changes = {line.path for line in LINES if line.audience == "viewer" and "POST" in line.methods}
    assert changes == {
        "/dashboard/sign-out",
        "/dashboard/sign-out/everywhere",
        "/dashboard/password",
        "/dashboard/calls/{id}/verify",
    }


def test_every_address_has_a_heading_in_the_reference() -> None:
    page = (ROOT / "docs/reference/dashboard.md").read_text()
    headings = [line for line in page.splitlines() if line.startswith("#")]
    missing = [line.path for line in LINES if not any(f"{line.path}`" in heading for heading in headings)]
    assert not missing


@pytest.mark.parametrize(
    ("method", "path", "line", "slots"),
    [
        ("GET", "/dashboard", "/dashboard", {}),
        ("GET", "/dashboard/keys/new", "/dashboard/keys/new", {}),
        ("GET", "/dashboard/keys/key_1", "/dashboard/keys/{id}", {"id": "key_1"}),
        ("GET", "/dashboard/keys/a%20b", "/dashboard/keys/{id}", {"id": "a b"}),
        ("POST", "/dashboard/calls/c/verify", "/dashboard/calls/{id}/verify", {"id": "c"}),
    ],
)
def test_an_address_leads_to_its_line(method: str, path: str, line: str, slots: dict[str, str]) -> None:
    place = match(method, path)
    assert (place.line.path, place.slots) == (line, slots)


@pytest.mark.parametrize(
    "path", ["/dashboard/", "/dashboard/x", "/dashboard/keys/a/b", "/dashboard/keys/%00", "/dashboard/keys/%ff"]
)
def test_an_address_that_leads_nowhere(path: str) -> None:
    assert match("GET", path) is NOWHERE


def test_a_method_that_is_not_taken() -> None:
    with pytest.raises(MethodNotAllowed) as refused:
        match("DELETE", "/dashboard/keys")
    assert refused.value.details["allow"] == "GET, HEAD, POST"


@pytest.mark.parametrize(
    ("path", "ours"), [("/dashboard", True), ("/dashboard/x", True), ("/dashboards", False), ("/", False)]
)
def test_which_paths_belong_to_the_pages(path: str, ours: bool) -> None:
    assert is_ours(path) is ours
