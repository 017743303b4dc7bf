"""Who may give what, as a pure rule: a child never has what its maker lacks, and an operator's key has no way out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tallygate.access.delegation import Delegation
from tallygate.access.doorman import ADMIN
from tallygate.access.keys import ADMIN as ADMIN_CLASS
from tallygate.access.keys import TENANT
from tallygate.access.networks import contains
from tallygate.access.permissions import ADMIN_ACCESS, DEFAULT_GRANT, PERMISSIONS
from tallygate.access.principal import Principal
from tallygate.access.roles import ROLES, bound
from tallygate.errors import Conflict, InvalidValue, PermissionDenied
from tallygate.store.rights import Rights
from tallygate.store.rows import UserRow

WHO = Principal("key_1", "usr_1", "ws_1", 1, frozenset())
"""Who has lost nothing since they were let in."""

OPERATOR = Principal("key_2", "usr_2", "", 1, frozenset({ADMIN_ACCESS}))
NETWORKS = ("10.0.0.0/8", "10.1.0.0/16", "192.0.2.0/24", "2001:db8::/32")


def one_or_none(values: st.SearchStrategy[int]) -> st.SearchStrategy[int | None]:
    return st.none() | values


rights = st.builds(
    Rights,
    key_id=st.just("key_1"),
    user_id=st.just("usr_1"),
    workspace_id=st.just("ws_1"),
    role=st.sampled_from(["viewer", "member", "admin"]),
    key_class=st.just(TENANT),
    permissions=st.frozensets(st.sampled_from([*PERMISSIONS])),
    models=st.none() | st.frozensets(st.sampled_from("abc"), min_size=1),
    networks=st.none() | st.frozensets(st.sampled_from(NETWORKS), min_size=1),
    expires_at_ns=one_or_none(st.integers(1, 3)),
    slots_max=one_or_none(st.integers(0, 3)),
    budgets_nusd=st.dictionaries(st.sampled_from(["daily", "total"]), st.integers(0, 3)),
    rates_per_minute=st.dictionaries(st.sampled_from(["requests", "tokens"]), st.integers(0, 3)),
)


def counts(one: Rights) -> frozenset[str]:
    return one.permissions & bound(one.role, one.key_class)


@given(rights, rights)
def test_a_child_has_nothing_that_its_maker_lacks(own: Rights, child: Rights) -> None:
    try:
        Delegation(WHO).judge_key(own, None, child)
    except (PermissionDenied, InvalidValue):
        return
    assert counts(child) <= counts(own)
    assert own.models is None or (child.models is not None and child.models <= own.models)
    assert own.networks is None or (child.networks is not None and contains(own.networks, child.networks))
    assert own.expires_at_ns is None or (child.expires_at_ns is not None and child.expires_at_ns <= own.expires_at_ns)
    assert own.slots_max is None or (child.slots_max is not None and child.slots_max <= own.slots_max)
    assert all(child.budgets_nusd.get(period, limit + 1) <= limit for period, limit in own.budgets_nusd.items())
    assert all(child.rates_per_minute.get(kind, limit + 1) <= limit for kind, limit in own.rates_per_minute.items())


@given(rights)
def test_a_key_may_make_another_like_itself(own: Rights) -> None:
    Delegation(WHO).judge_key(own, own, own)
    Delegation(WHO).judge_key(own, own, None)
    Delegation(WHO).judge_key(own, None, structs.replace(own, permissions=counts(own)))


@given(rights, rights)
def test_nobody_ends_a_key_that_may_do_more(own: Rights, other: Rights) -> None:
    try:
        Delegation(WHO).judge_key(own, other, None)
    except PermissionDenied:
        return
    assert counts(other) <= counts(own)


@pytest.mark.parametrize("by", [None, ADMIN])
def test_nobodys_bounds_count_but_those_of_roles_do(by: Principal | None) -> None:
    judge = Delegation(by)
    assert (judge.key_id, judge.user_id) == ("", "")
    member = Rights(key_id="key_3", user_id="usr_3", workspace_id="ws_1", role="member", key_class=TENANT)
    judge.judge_key(None, None, structs.replace(member, permissions=DEFAULT_GRANT))
    with pytest.raises(InvalidValue, match="users:manage"):
        judge.judge_key(None, None, structs.replace(member, permissions=frozenset({"users:manage"})))


def test_the_default_grant_is_kept_for_a_role_to_come() -> None:
    viewer = Rights(
        key_id="k", user_id="u", workspace_id="w", role="viewer", key_class=TENANT, permissions=DEFAULT_GRANT
    )
    Delegation(None).judge_key(None, None, viewer)
    with pytest.raises(InvalidValue, match="models:use"):
        Delegation(None).judge_key(None, None, structs.replace(viewer, permissions=frozenset({"models:use"})))


def test_an_operators_key_makes_no_admin_key_beyond_itself_and_any_key_of_a_workspace() -> None:
    own = Rights(
        key_id="key_2",
        user_id="usr_2",
        workspace_id="ws_2",
        role="operator",
        key_class=ADMIN_CLASS,
        permissions=frozenset({ADMIN_ACCESS}),
        networks=frozenset({"10.0.0.0/8"}),
        expires_at_ns=5,
    )
    judge = Delegation(OPERATOR)
    judge.judge_key(own, None, own)
    judge.judge_key(own, None, structs.replace(own, key_class=TENANT, permissions=DEFAULT_GRANT, networks=None))
    for wider in ({"networks": None}, {"expires_at_ns": None}, {"expires_at_ns": 6}):
        with pytest.raises(PermissionDenied):
            judge.judge_key(own, None, structs.replace(own, **wider))
    with pytest.raises(InvalidValue, match="operator"):
        judge.judge_key(own, None, structs.replace(own, role="admin"))


@pytest.mark.parametrize("role", ROLES)
def test_a_user_without_a_key_has_what_the_role_opens(role: str) -> None:
    own = Rights(key_id="", user_id="usr_1", workspace_id="ws_1", role=role)
    judge = Delegation(Principal("", "usr_1", "ws_1", 0, bound(role, TENANT)))
    for other in ROLES:
        user = UserRow("usr_3", "ws_1", "acme", "ann", "active", 1, None, other)
        if ROLES[other] <= ROLES[role]:
            judge.judge_user(own, None, user, (), 1)
            judge.judge_limits(own, user)
        else:
            for judgement in (
                lambda user=user: judge.judge_user(own, None, user, (), 1),
                lambda user=user: judge.judge_limits(own, user),
            ):
                with pytest.raises(PermissionDenied):
                    judgement()


def test_a_key_for_somebody_else_is_judged_by_all_that_it_is_granted() -> None:
    """What the role of its user does not open yet would be there with the role, for who has made the key."""
    grant = DEFAULT_GRANT - {"models:use"} | {"api_keys:manage"}
    own = Rights(key_id="key_1", user_id="usr_1", workspace_id="ws_1", role="admin", permissions=grant)
    viewer = structs.replace(own, key_id="key_4", user_id="usr_4", role="viewer", permissions=DEFAULT_GRANT)
    for before in (None, viewer):
        with pytest.raises(PermissionDenied, match="models:use"):
            Delegation(WHO).judge_key(own, before, viewer)
    Delegation(WHO).judge_key(own, viewer, None)


@pytest.mark.parametrize(("was", "now"), [("operator", "admin"), ("operator", "viewer"), ("admin", "member")])
def test_who_has_lost_rights_since_they_were_let_in_changes_nothing(was: str, now: str) -> None:
    own = Rights(key_id="", user_id="usr_1", workspace_id="ws_1", role=now)
    judge = Delegation(Principal("", "usr_1", "ws_1", 0, ROLES[was]))
    user = UserRow("usr_3", "ws_9", "other", "ann", "active", 1, None, "viewer")
    key = Rights(key_id="key_3", user_id="usr_3", workspace_id="ws_9", role="viewer", key_class=TENANT)
    for judgement in (
        lambda: judge.judge_key(own, None, key),
        lambda: judge.judge_key(own, key, None),
        lambda: judge.judge_user(own, None, user, (), 1),
        lambda: judge.judge_limits(own, user),
    ):
        with pytest.raises(PermissionDenied, match="any more"):
            judgement()


def test_the_last_admin_stays() -> None:
    own = Rights(key_id="", user_id="usr_1", workspace_id="ws_1", role="admin")
    before = UserRow("usr_1", "ws_1", "acme", "owner", "active", 1, None, "admin")
    after = structs.replace(before, role="member")
    judge = Delegation(Principal("", "usr_1", "ws_1", 0, bound("admin", TENANT)))
    judge.judge_user(own, before, after, (), 1)
    with pytest.raises(Conflict, match="last admin"):
        judge.judge_user(own, before, after, (), 0)
    Delegation(None).judge_user(None, before, after, (), 0)
