"""Changes of rights that meet: whoever comes second is judged by what the first has left, on both engines."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from tallygate.access import admin
from tallygate.access.keys import Minter
from tallygate.access.permissions import PERMISSIONS
from tallygate.access.principal import Principal
from tallygate.errors import Conflict, InvalidApiKey, PermissionDenied, TallygateError
from tallygate.store.database import Database
from tallygate.store.rows import KeyRecord

MINTER = Minter(b"p" * 32, "lx-")


def make_boss(database: Database, user: str = "owner") -> tuple[KeyRecord, Principal]:
    """A key with all permissions of an admin, and its bearer."""
    made = admin.create_key(
        database, MINTER, workspace="acme", user=user, permissions=[*PERMISSIONS], actor="test"
    ).record
    return made, Principal(made.id, made.user_id, made.workspace_id, made.version, frozenset(PERMISSIONS))


@pytest.fixture
def acme(database: Database) -> Database:
    admin.create_workspace(database, "acme", actor="test")
    return database


def meet(*works: Callable[[], object]) -> list[object]:
    """Do some things at the same moment, and give what each came to: a value, or the error."""
    barrier = Barrier(len(works))

    def run(work: Callable[[], object]) -> object:
        barrier.wait()
        try:
            return work()
        except TallygateError as error:
            return error

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def kinds(found: Sequence[object]) -> list[str]:
    return sorted(type(one).__name__ for one in found)


@pytest.mark.parametrize("turn", range(4))
def test_of_two_admins_that_put_each_other_out_one_stays(acme: Database, turn: int) -> None:
    admin.create_user(acme, "acme", "ada", actor="test", role="admin")
    owner, ada = make_boss(acme)[1], make_boss(acme, "ada")[1]
    out = {"role": "viewer"} if turn % 2 else {"disables": True}
    found = meet(
        lambda: admin.change_user(acme, "acme", "ada", actor="test", by=owner, **out),  # pyright: ignore[reportArgumentType]
        lambda: admin.change_user(acme, "acme", "owner", actor="test", by=ada, **out),  # pyright: ignore[reportArgumentType]
    )
    assert len([one for one in found if isinstance(one, InvalidApiKey | PermissionDenied)]) == 1, found
    standing = [user for user in admin.list_users(acme, "acme") if (user.role, user.status) == ("admin", "active")]
    assert len(standing) == 1


def test_of_two_admins_that_leave_at_once_one_stays(acme: Database) -> None:
    admin.create_user(acme, "acme", "ada", actor="test", role="admin")
    owner, ada = make_boss(acme)[1], make_boss(acme, "ada")[1]
    found = meet(
        lambda: admin.change_user(acme, "acme", "ada", actor="test", by=ada, role="member"),
        lambda: admin.change_user(acme, "acme", "owner", actor="test", by=owner, role="member"),
    )
    assert kinds(found) == [Conflict.__name__, "UserRow"]


def test_a_key_that_loses_its_rights_meanwhile_gives_none_of_them(acme: Database) -> None:
    """However the two fall in time, no child has what its maker no longer had when it was made."""
    for _ in range(5):
        record, principal = make_boss(acme)
        found = meet(
            lambda record=record: admin.change_key(acme, record.id, actor="test", permissions=["api_keys:manage"]),
            lambda principal=principal: admin.create_key(
                acme, MINTER, workspace="acme", permissions=["models:use"], actor="test", by=principal
            ),
        )
        made = found[1]
        with acme.reading() as connection:
            order = [
                (action, object_id)
                for action, object_id in connection.exec_driver_sql(
                    "SELECT action, object_id FROM audit_log ORDER BY seq"
                )
            ]
        if isinstance(made, admin.CreatedKey):
            assert order.index(("key.create", made.record.id)) < order.index(("key.change", record.id))
        else:
            assert isinstance(made, PermissionDenied)
            assert made.details["permission"] != "api_keys:manage"


def test_a_key_can_end_itself_and_then_nothing_more(acme: Database) -> None:
    record, principal = make_boss(acme)
    assert admin.revoke_key(acme, record.id, actor="test", by=principal).status == "revoked"
    with pytest.raises(InvalidApiKey):
        admin.create_key(acme, MINTER, workspace="acme", actor="test", by=principal)


def test_rotations_at_once_leave_one_key_whose_every_text_is_known(acme: Database) -> None:
    record = admin.create_key(acme, MINTER, workspace="acme", name="ci", budgets_nusd={"daily": 5}, actor="test").record
    found = meet(*[lambda: admin.rotate_key(acme, MINTER, record.id, actor="test") for _ in range(4)])
    rotated = [one for one in found if isinstance(one, admin.RotatedKey)]
    assert len(rotated) == 4
    listed = admin.list_keys(acme, "acme")
    assert [key.id for key in listed if key.replaced_by is None] == [record.id]
    assert len([key for key in listed if key.replaced_by == record.id and key.status == "active"]) == 4
    ends = {one.secret.reveal()[-4:] for one in rotated} | {record.last4}
    assert {key.last4 for key in listed} == ends
    assert [key.name for key in listed if key.name] == ["ci"]
    assert admin.revoke_key(acme, "ci", actor="test").status == "revoked"
    assert {key.status for key in admin.list_keys(acme, "acme")} == {"revoked"}


def test_an_earlier_text_cannot_be_changed_or_rotated(acme: Database) -> None:
    record = admin.create_key(acme, MINTER, workspace="acme", actor="test").record
    earlier = admin.rotate_key(acme, MINTER, record.id, actor="test").earlier
    for change in (
        lambda: admin.change_key(acme, earlier.id, actor="test", models=["m"]),
        lambda: admin.rotate_key(acme, MINTER, earlier.id, actor="test"),
    ):
        with pytest.raises(Conflict, match=record.id):
            change()
