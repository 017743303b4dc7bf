"""What every answer under /dashboard says to the browser, and how requests are judged before a page is made."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.gateway import Gateway, clean_env, start_gateway
from tests.dashboard.visitor import FORM, Visitor

POLICY = (
    "default-src 'self'; script-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)


@pytest.mark.parametrize("path", ["/dashboard", "/dashboard/sign-in", "/dashboard/nowhere", "/dashboard/static/x"])
def test_every_page_says_what_the_browser_may_do(visitor: Visitor, path: str) -> None:
    headers = visitor.get(path).headers
    assert headers["content-security-policy"] == POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"


def test_what_is_not_of_the_pages_goes_to_the_doors(gateway: Gateway) -> None:
    assert gateway.ask("GET", "/health").json["status"] == "ok"
    assert gateway.ask("GET", "/dashboards").json["error"]["code"] == "not_found"


def test_an_address_without_a_page_is_not_found(visitor: Visitor) -> None:
    assert visitor.get("/dashboard/nowhere").status == 404
    assert visitor.get("/dashboard/").status == 404


def test_a_method_that_a_page_does_not_take(visitor: Visitor) -> None:
    seen = visitor.post("/dashboard/models", {})
    assert (seen.status, seen.headers["allow"]) == (405, "GET, HEAD")


def test_head_has_no_body(operator: Visitor) -> None:
    reply = operator.gateway.ask("HEAD", "/dashboard", None, [("Cookie", operator.cookie)])
    assert (reply.status, reply.body) == (200, b"")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": None},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "none"},
        {"Origin": "https://evil.example", "Content_Type": "text/plain"},
        {"Origin": "https://evil.example", "Content_Type": "multipart/form-data; boundary=x"},
    ],
)
def test_a_form_of_another_site_is_refused(operator: Visitor, headers: dict[str, str | None]) -> None:
    assert operator.post("/dashboard/sign-out", {}, **headers).status == 403
    assert operator.get("/dashboard").status == 200


@pytest.mark.parametrize("token", ["", "0" * 64, "é"])
def test_a_form_without_the_sessions_token_is_refused(operator: Visitor, token: str) -> None:
    assert operator.post("/dashboard/sign-out", {"form_token": token}).status == 403
    assert operator.get("/dashboard").status == 200


def test_a_token_of_another_session_is_refused(operator: Visitor, gateway: Gateway) -> None:
    other = Visitor(gateway)
    other.sign_in_as_admin("an-admin-key-that-is-long-enough-1")
    other.get("/dashboard")
    assert operator.post("/dashboard/sign-out", {"form_token": other.form_token}).status == 403


def test_a_body_that_is_no_form(operator: Visitor) -> None:
    assert operator.post("/dashboard/sign-out", b"{}", Content_Type="application/json").status == 415
    assert operator.post("/dashboard/sign-out", b"x", Content_Encoding="gzip").status == 415


def test_a_form_that_is_too_large_or_of_unknown_length(operator: Visitor) -> None:
    assert operator.post("/dashboard/sign-out", b"a=" + b"x" * 65_536).status == 413
    sent = [("Content-Type", FORM), ("Origin", operator.origin), ("Cookie", operator.cookie)]
    assert operator.gateway.ask("POST", "/dashboard/sign-out", iter([b"a=b"]), sent).status == 411


def test_a_form_that_cannot_be_read(operator: Visitor) -> None:
    assert operator.post("/dashboard/workspaces", b"form_token=%ff").status in (400, 403)
    token = operator.form_token.encode()
    for body in (b"&x=1", b"&name=a&name=b", b"&name=" + b"x" * 9_000):
        assert operator.post("/dashboard/workspaces", b"form_token=" + token + body).status == 400


def test_what_renders_pages_is_loaded_by_the_first_who_looks() -> None:
    """A gateway whose pages nobody opens pays for neither templates nor passwords."""
    program = "import sys, tallygate.app; print([name for name in ('jinja2', 'argon2') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_pages_can_be_switched_off(tmp_path: Path) -> None:
    env = clean_env(tmp_path, TALLYGATE_DASHBOARD__ENABLED="false")
    with start_gateway(env, "--demo") as running:
        assert running.ask("GET", "/dashboard").status == 404
        assert running.ask("GET", "/dashboard/sign-in").status == 404
        assert running.ask("GET", "/health").status == 200
