"""Signing in and out: who gets in, what the cookie is like, and when a session ends."""

from urllib.parse import urlencode

import pytest

from tests.contract.gateway import Gateway
from tests.dashboard.people import ADMIN_KEY, PASSWORD, PEOPLE, Admin, set_password
from tests.dashboard.visitor import Visitor


def test_a_page_without_a_session_shows_the_way_in_and_remembers_where_to(visitor: Visitor) -> None:
    seen = visitor.get("/dashboard/calls?model=mock%2Fecho")
    assert seen.status == 401
    assert 'name="next" value="/dashboard/calls?model=mock%2Fecho"' in seen.text


@pytest.mark.parametrize("name", PEOPLE)
def test_users_sign_in_with_their_passwords(visitor: Visitor, name: str) -> None:
    seen = visitor.sign_in("default", name, PASSWORD)
    assert (seen.status, seen.headers["location"]) == (303, "/dashboard/sign-in/check?next=/dashboard")
    assert visitor.get("/dashboard").status == 200


def test_the_cookie_is_for_this_host_and_for_no_script(visitor: Visitor) -> None:
    visitor.sign_in_as_admin(ADMIN_KEY)
    name, *flags = visitor.set_cookie.split("; ")
    assert name.startswith("__Host-tallygate=")
    assert len(name.partition("=")[2]) == 43
    assert flags == ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"]


def test_a_session_that_was_set_before_is_replaced_and_ended(gateway: Gateway, visitor: Visitor) -> None:
    visitor.cookie = "__Host-tallygate=" + "A" * 43
    visitor.sign_in_as_admin(ADMIN_KEY)
    first = visitor.cookie
    assert "A" * 43 not in first
    visitor.sign_in_as_admin(ADMIN_KEY)
    assert visitor.cookie != first
    thief = Visitor(gateway)
    thief.cookie = first
    assert thief.get("/dashboard").status == 401


def test_what_does_not_fit_gets_the_same_words(gateway: Gateway) -> None:
    tries = [
        ("default", "vera", "wrong password 1"),
        ("default", "nobody", PASSWORD),
        ("nowhere", "vera", PASSWORD),
        ("default", "vera", PASSWORD + "\0"),
        ("default", "vera", PASSWORD.upper()),
        ("default", "vera", ""),
    ]
    texts = set[str]()
    for workspace, user, password in tries:
        seen = Visitor(gateway).sign_in(workspace, user, password)
        assert seen.status == 401
        texts.add(seen.text.replace(f'value="{user}"', "").replace(f'value="{workspace}"', ""))
    assert len(texts) == 1


def test_a_password_above_a_kibibyte_is_refused_unseen(visitor: Visitor) -> None:
    assert visitor.sign_in("default", "vera", "x" * 1025).status == 400


def test_an_api_key_is_no_session_and_a_session_no_api_key(gateway: Gateway, operator: Visitor) -> None:
    stranger = Visitor(gateway)
    stranger.cookie = f"__Host-tallygate={gateway.key}"
    assert stranger.get("/dashboard").status == 401
    stranger.cookie = f"__Host-tallygate={ADMIN_KEY}"
    assert stranger.get("/dashboard").status == 401
    token = operator.cookie.partition("=")[2]
    assert gateway.ask("GET", "/v1/key", key=token).status == 401
    assert gateway.ask("GET", "/v1/admin/users", key=token).status == 401


def test_an_api_key_does_not_sign_in(gateway: Gateway, visitor: Visitor) -> None:
    assert visitor.sign_in_as_admin(gateway.key).status == 401


@pytest.mark.parametrize(
    "wanted",
    ["//evil.example", "https://evil.example", "https:evil.example", "\\\\evil.example", "/\\evil", "/v1/models",
     "/dashboard//evil", "/dashboard/../x\\", "javascript:alert(1)", "/dashboard/calls#x", "/dashboardx"],
)  # fmt: skip
def test_after_the_sign_in_nobody_is_sent_elsewhere(visitor: Visitor, wanted: str) -> None:
    form = urlencode({"admin_key": ADMIN_KEY, "next": wanted}).encode()
    seen = visitor.post("/dashboard/sign-in/admin-key", form)
    assert seen.headers["location"] == "/dashboard/sign-in/check?next=/dashboard"
    visitor.get("/dashboard")
    checked = visitor.gateway.ask(
        "GET", "/dashboard/sign-in/check?next=" + wanted.replace("\\", "%5C").replace("#", "%23"), None,
        [("Cookie", visitor.cookie)],
    )  # fmt: skip
    assert checked.headers["location"] == "/dashboard"


def test_a_browser_that_kept_no_session_is_told_why(visitor: Visitor) -> None:
    seen = visitor.get("/dashboard/sign-in/check?next=/dashboard/keys")
    assert seen.status == 200
    assert "https://" in seen.text


def test_signing_out_ends_the_session_on_the_server(gateway: Gateway, operator: Visitor) -> None:
    copy = Visitor(gateway)
    copy.cookie = operator.cookie
    seen = operator.post("/dashboard/sign-out", {})
    assert seen.status == 303
    assert "Max-Age=0" in operator.set_cookie
    assert copy.get("/dashboard").status == 401


def test_signing_out_everywhere_ends_all_sessions_of_the_same_person(gateway: Gateway) -> None:
    visitors = [Visitor(gateway) for _ in range(3)]
    for one in visitors[:2]:
        one.sign_in("default", "mia", PASSWORD)
        one.get("/dashboard")
    visitors[2].sign_in("default", "vera", PASSWORD)
    visitors[0].post("/dashboard/sign-out/everywhere", {})
    assert [one.get("/dashboard").status for one in visitors] == [401, 401, 200]


def test_a_new_password_ends_every_session_but_the_one_that_set_it(gateway: Gateway, admin: Admin) -> None:
    admin.post("/v1/admin/users", {"workspace": "default", "name": "paula"})
    set_password(gateway.env, "paula")
    here, there = Visitor(gateway), Visitor(gateway)
    for one in (here, there):
        one.sign_in("default", "paula", PASSWORD)
        one.get("/dashboard/password")
    new = "another fine password"
    assert here.post("/dashboard/password", {"old": "wrong", "new": new, "again": new}).status == 400
    assert here.post("/dashboard/password", {"old": PASSWORD, "new": new, "again": "x"}).status == 400
    assert here.post("/dashboard/password", {"old": PASSWORD, "new": "short", "again": "short"}).status == 400
    assert here.post("/dashboard/password", {"old": PASSWORD, "new": PASSWORD, "again": PASSWORD}).status == 400
    assert here.post("/dashboard/password", {"old": PASSWORD, "new": new, "again": new}).status == 303
    assert here.get("/dashboard").status == 200
    assert there.get("/dashboard").status == 401
    assert Visitor(gateway).sign_in("default", "paula", PASSWORD).status == 401
    assert Visitor(gateway).sign_in("default", "paula", new).status == 303


def test_the_admin_key_has_no_password(operator: Visitor) -> None:
    assert operator.get("/dashboard/password").status == 403
