"""Pages of lists, on both engines: they join to the whole, whatever was made at the same moment."""

import pytest

from tallygate.errors import InvalidValue
from tallygate.store.audit import Change
from tallygate.store.database import Database
from tallygate.store.pages import Page
from tallygate.store.tenants import create_user, create_workspace, list_users, list_workspaces


@pytest.mark.parametrize("rows_max", [1, 2, 7, 100])
def test_pages_join_to_the_whole(database: Database, rows_max: int) -> None:
    for number in range(7):
        create_workspace(database, f"w{number}", Change("tester", number // 3))
    whole = list_workspaces(database)
    assert [row.created_at_ns for row in whole] == [0, 0, 0, 1, 1, 1, 2]
    paged, after = [], ""
    while rows := list_workspaces(database, Page(rows_max, after)):
        paged += rows
        after = rows[-1].id
    assert paged == whole


def test_a_page_of_one_workspace(database: Database) -> None:
    create_workspace(database, "acme", Change("tester", 1))
    create_workspace(database, "rival", Change("tester", 1))
    ada = create_user(database, "acme", "ada", Change("tester", 2))
    (owner,) = list_users(database, "acme", Page(1))
    assert [row.id for row in list_users(database, "acme", Page(9, owner.id))] == [ada.id]


def test_a_row_that_is_not_there(database: Database) -> None:
    with pytest.raises(InvalidValue) as raised:
        list_workspaces(database, Page(1, "ws_nobody"))
    assert raised.value.param == "cursor"
