"""Sessions: who gets one, and everything that ends it, on both engines."""

import pytest

from tallygate.access import admin
from tallygate.access.passwords import give_password
from tallygate.access.sessions import ACCOUNT_WRONG_MAX, GUESSES_MAX, PEER_WRONG_MAX, Session, Sessions
from tallygate.errors import NotSignedIn, PermissionDenied, TooManySignIns
from tallygate.genai.secret import Secret
from tallygate.store.database import Database

ADMIN_KEY = Secret("an-admin-key-that-is-long-enough")
PASSWORD = Secret("correct horse battery")
PEER = "192.0.2.1"
SECOND_NS = 1_000_000_000


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now_ns = 1_800_000_000 * SECOND_NS

    def __call__(self) -> int:
        return self.now_ns


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(database: Database, clock: Clock) -> Sessions:
    """Of a gateway with the workspace `acme`, whose user `ada` is a member."""
    admin.create_workspace(database, "acme", actor="cli")
    admin.create_user(database, "acme", "ada", actor="cli")
    give_password(database, "acme", "ada", PASSWORD, actor="cli")
    return make(database, clock)


def make(database: Database, clock: Clock, key: Secret = ADMIN_KEY) -> Sessions:
    return Sessions(database, key, idle_s=1_800, absolute_s=43_200, clock_ns=clock)


def sign_in(sessions: Sessions) -> str:
    return sessions.sign_in("acme", "ada", PASSWORD, PEER).reveal()


def found(sessions: Sessions, token: str) -> Session:
    session = sessions.find(token)
    assert session is not None
    return session


def test_a_user_signs_in_by_name_or_id(sessions: Sessions, database: Database) -> None:
    person = found(sessions, sign_in(sessions)).person
    assert (person.user, person.workspace, person.role) == ("ada", "acme", "member")
    assert person.actor == person.user_id == person.principal.user_id
    assert person.principal.workspace_id == person.workspace_id
    assert sessions.find(sessions.sign_in(person.workspace_id, person.user_id, PASSWORD, PEER).reveal())


def test_the_admin_key_signs_in_as_operator(sessions: Sessions) -> None:
    person = found(sessions, sessions.sign_in_as_admin(ADMIN_KEY, PEER).reveal()).person
    assert (person.role, person.user_id, person.actor) == ("operator", "", "admin")
    with pytest.raises(NotSignedIn):
        sessions.sign_in_as_admin(Secret("another-admin-key-that-is-long"), PEER)


def test_an_operator_belongs_to_no_workspace_in_what_they_administer(sessions: Sessions, database: Database) -> None:
    admin.change_user(database, "acme", "ada", role="operator", actor="cli")
    give_password(database, "acme", "ada", PASSWORD, actor="cli")
    assert found(sessions, sign_in(sessions)).person.principal.workspace_id == ""


def test_each_sign_in_has_another_token_and_another_form_token(sessions: Sessions) -> None:
    tokens = [sign_in(sessions) for _ in range(3)]
    assert len(set(tokens)) == 3
    assert len({found(sessions, token).form_token for token in tokens}) == 3


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "é" * 43, "A" * 10_000])
def test_a_token_that_was_never_given(sessions: Sessions, token: str) -> None:
    assert sessions.find(token) is None


def test_a_session_that_is_not_used_ends(sessions: Sessions, clock: Clock) -> None:
    token = sign_in(sessions)
    for _ in range(3):
        clock.now_ns += 1_799 * SECOND_NS
        found(sessions, token)
    clock.now_ns += 1_801 * SECOND_NS
    assert sessions.find(token) is None


def test_a_session_ends_however_much_it_is_used(sessions: Sessions, clock: Clock) -> None:
    token = sign_in(sessions)
    for _ in range(24):
        clock.now_ns += 1_799 * SECOND_NS
        found(sessions, token)
    clock.now_ns += 25 * SECOND_NS
    assert sessions.find(token) is None


def test_a_clock_that_goes_back_opens_nothing(sessions: Sessions, clock: Clock) -> None:
    token = sign_in(sessions)
    sessions.end(found(sessions, token))
    clock.now_ns -= 3_600 * SECOND_NS
    assert sessions.find(token) is None


def test_signing_out_ends_one_session_or_all(sessions: Sessions) -> None:
    first, second, third = (sign_in(sessions) for _ in range(3))
    by_key = sessions.sign_in_as_admin(ADMIN_KEY, PEER).reveal()
    sessions.end(found(sessions, first))
    assert sessions.find(first) is None
    sessions.end_all(found(sessions, second))
    assert sessions.find(third) is None
    found(sessions, by_key)
    sessions.end_all(found(sessions, by_key))
    assert sessions.find(by_key) is None


def test_a_new_password_ends_every_session(sessions: Sessions, database: Database) -> None:
    token = sign_in(sessions)
    give_password(database, "acme", "ada", PASSWORD, actor="cli")
    assert sessions.find(token) is None


def test_another_role_ends_every_session(sessions: Sessions, database: Database) -> None:
    token = sign_in(sessions)
    admin.change_user(database, "acme", "ada", role="viewer", actor="cli")
    assert sessions.find(token) is None


def test_a_session_that_ended_with_a_role_does_not_come_back_with_it(sessions: Sessions, database: Database) -> None:
    token = sign_in(sessions)
    for role in ("viewer", "member"):
        admin.change_user(database, "acme", "ada", role=role, actor="cli")
    assert sessions.find(token) is None


def test_who_becomes_an_operator_needs_a_password_that_no_admin_has_given(
    sessions: Sessions, database: Database
) -> None:
    admin.change_user(database, "acme", "ada", role="operator", actor="cli")
    with pytest.raises(NotSignedIn):
        sign_in(sessions)
    give_password(database, "acme", "ada", PASSWORD, actor="cli")
    assert found(sessions, sign_in(sessions)).person.role == "operator"


@pytest.mark.parametrize("meanwhile", ["the giver is demoted", "the other is promoted"])
def test_a_password_is_given_by_who_may_at_that_moment(sessions: Sessions, database: Database, meanwhile: str) -> None:
    """Its hash takes a while, and what was looked at before counts no more."""
    give_password(database, "acme", "owner", PASSWORD, actor="cli")
    person = found(sessions, sessions.sign_in("acme", "owner", PASSWORD, PEER).reveal()).person
    give_password(database, "acme", "ada", PASSWORD, actor=person.actor, by=person.principal)
    whom, role = ("owner", "viewer") if meanwhile == "the giver is demoted" else ("ada", "operator")
    admin.change_user(database, "acme", whom, role=role, actor="cli")
    with pytest.raises(PermissionDenied):
        give_password(database, "acme", "ada", PASSWORD, actor=person.actor, by=person.principal)


def test_disabling_the_user_or_the_workspace_ends_every_session(sessions: Sessions, database: Database) -> None:
    token = sign_in(sessions)
    admin.disable_user(database, "acme", "ada", actor="cli")
    assert sessions.find(token) is None
    with pytest.raises(NotSignedIn):
        sign_in(sessions)
    give_password(database, "acme", "owner", PASSWORD, actor="cli")
    token = sessions.sign_in("acme", "owner", PASSWORD, PEER).reveal()
    admin.disable_workspace(database, "acme", actor="cli")
    assert sessions.find(token) is None


def test_another_admin_key_ends_the_sessions_of_the_earlier(
    sessions: Sessions, database: Database, clock: Clock
) -> None:
    token = sessions.sign_in_as_admin(ADMIN_KEY, PEER).reveal()
    assert make(database, clock).find(token) is not None
    assert make(database, clock, Secret("another-admin-key-that-is-long")).find(token) is None


def test_who_has_a_whole_network_of_addresses_guesses_as_one(sessions: Sessions) -> None:
    for guess in range(PEER_WRONG_MAX):
        with pytest.raises(NotSignedIn):
            sessions.sign_in_as_admin(Secret("wrong"), f"2001:db8::{guess:x}")
    with pytest.raises(TooManySignIns):
        sessions.sign_in_as_admin(Secret("wrong"), "2001:db8::ffff")
    with pytest.raises(NotSignedIn):
        sessions.sign_in_as_admin(Secret("wrong"), "2001:db8:0:1::1")


def test_the_right_admin_key_is_never_refused_for_wrong_ones(sessions: Sessions) -> None:
    for _ in range(PEER_WRONG_MAX):
        with pytest.raises(NotSignedIn):
            sessions.sign_in_as_admin(Secret("wrong"), PEER)
    assert sessions.find(sessions.sign_in_as_admin(ADMIN_KEY, PEER).reveal()) is not None


def test_wrong_guesses_at_one_account_are_counted_and_a_right_one_forgotten(sessions: Sessions) -> None:
    for _ in range(GUESSES_MAX - 1):
        with pytest.raises(NotSignedIn):
            sessions.sign_in("acme", "ada", Secret("wrong"), PEER)
    sign_in(sessions)
    for _ in range(GUESSES_MAX):
        with pytest.raises(NotSignedIn):
            sessions.sign_in("acme", "ada", Secret("wrong"), PEER)
    with pytest.raises(TooManySignIns):
        sign_in(sessions)
    sessions.sign_in_as_admin(ADMIN_KEY, PEER)


def test_wrong_guesses_from_elsewhere_do_not_shut_the_owner_out_until_they_are_many(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tallygate.access.sessions.is_password", lambda stored, given: given.reveal() != "wrong")
    for guess in range(ACCOUNT_WRONG_MAX - 1):
        with pytest.raises(NotSignedIn):
            sessions.sign_in("acme", "ada", Secret("wrong"), f"203.0.113.{guess // GUESSES_MAX}")
    sign_in(sessions)
    with pytest.raises(NotSignedIn):
        sessions.sign_in("acme", "ada", Secret("wrong"), "203.0.113.250")
    with pytest.raises(TooManySignIns):
        sign_in(sessions)
