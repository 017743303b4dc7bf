"""The matrix of the pages: every line of their table as everybody who can sign in, for what is their own or not.

Forms are sent as a browser would send them, with one field that no page takes: who is let in is told so, and nothing
changes. Whoever is not let in is told that first.
"""

import re
from collections import Counter
from typing import Final, NamedTuple

import pytest

from tallygate.dashboard.urls import LINES, Line
from tests.dashboard.people import PASSWORD, set_password
from tests.dashboard.visitor import Seen, Visitor
from tests.security.standings import making
from tests.security.town import Town, randomised

# What the pages let somebody see is decided before any database is asked.
pytestmark = pytest.mark.parametrize("town", ["sqlite"], indirect=True, scope="session")

RANKS: Final = ("anybody", "viewer", "member", "admin", "operator")
PEOPLE: Final = {"view": "viewer", "member": "member", "admin": "admin", "operate": "operator"}
LEAVING: Final = ("/dashboard/sign-out", "/dashboard/sign-out/everywhere")
"""Who is let in here is gone."""
PUBLIC: Final = "/dashboard/sign-in"
CELLS_MIN: Final = 400


class Person(NamedTuple):
    """Somebody at a browser, and how much they may: a place in RANKS."""

    name: str
    visitor: Visitor
    rank: int
    workspace: str


class PageCell(NamedTuple):
    """One request, its answer, and what is right."""

    person: Person
    line: Line
    whose: str
    seen: Seen

    def __str__(self) -> str:
        return f"{self.person.name}: {self.line.methods[-1]} {self.line.path} ({self.whose}) got {self.seen.status}"


@pytest.fixture(scope="module")
def people(town: Town) -> list[Person]:
    """Somebody of each role, an admin of another workspace, whoever has the admin key, and nobody."""
    town.words["RANDOM_USER"] = randomised(town.words["THEIR_USER"])
    found = [Person("nobody", Visitor(town.gateway), 0, "")]
    with making(town) as maker:
        for name, role in PEOPLE.items():
            maker.add_user(f"page-{name}", role)
        maker.add_user("page-rival", "admin", "rival")
    env = {**town.gateway.env, "TALLYGATE_CONFIG": f"{town.gateway.env['HOME']}/tallygate.toml"}
    for name, role, workspace in (
        *((f"page-{name}", role, "acme") for name, role in PEOPLE.items()),
        ("page-rival", "admin", "rival"),
    ):
        set_password(env, name, workspace=workspace)
        visitor = Visitor(town.gateway)
        assert visitor.sign_in(workspace, name, PASSWORD).status == 303
        found.append(Person(name, visitor, RANKS.index(role), workspace))
    keyed = Visitor(town.gateway)
    assert keyed.sign_in_as_admin(town.words["ADMIN"]).status == 303
    found.append(Person("admin-key", keyed, RANKS.index("operator"), ""))
    for person in found[1:]:
        assert person.visitor.get("/dashboard/keys").status == 200
    return found


class Looked(NamedTuple):
    """Every cell, and what has changed by all of them."""

    cells: list[PageCell]
    moved: list[str]


@pytest.fixture(scope="module")
def looked(town: Town, people: list[Person]) -> Looked:
    """Everything there is to look at, looked at once."""
    before = town.state()
    cells = [
        PageCell(person, line, whose, look(town, person, line, whose))
        for line in LINES
        for person in people
        for whose in (("own", "foreign", "random") if "{id}" in line.path else ("none",))
        if not (line.path in LEAVING and person.rank) and "sign-in" not in line.path
    ]
    moved = [line for line in town.state().differences(before) if not line.startswith("sessions")]
    return Looked(cells, moved)


def look(town: Town, person: Person, line: Line, whose: str) -> Seen:
    """What somebody sees there. Own and foreign are turned round for whoever comes from the other workspace. Operators
    look into one workspace at a time.
    """
    kind = re.sub(r".*/(key|user|call)s/.*", r"\1", line.path).upper()
    here, there = ("THEIR", "MY") if person.workspace == "rival" else ("MY", "THEIR")
    word = {"own": here, "foreign": there, "random": "RANDOM"}.get(whose, "")
    path = line.path.replace("{name}", "dashboard.css")
    if word:
        path = path.replace("{id}", town.words[f"{word}_{kind}"])
    if person.rank == RANKS.index("operator"):
        path += "?workspace=acme"
    if line.methods == ("POST",):
        return person.visitor.post(path, {"is_there_such_a_field": "1"})
    return person.visitor.get(path)


def is_right(cell: PageCell) -> bool:
    """Whether this is what the table says."""
    person, line, status = cell.person, cell.line, cell.seen.status
    needed = RANKS.index(line.audience)
    if person.rank < needed:
        return status == (403 if person.rank else 401)
    if line.audience == "anybody":
        return status < 500
    if (person.name, line.path) == ("admin-key", "/dashboard/password"):
        return status == 403  # it has none
    if line.methods == ("POST",):
        return status in (400, 404) or (status == 403 and cell.whose != "none")
    if cell.whose in ("foreign", "random"):
        return status == 404
    # A call of somebody else's, or their key, is not for everybody of a workspace to see.
    return status == 200 or (status == 404 and cell.whose == "own" and person.rank < RANKS.index("admin"))


def test_every_page_is_for_whom_the_table_says(looked: Looked) -> None:
    wrong = [str(cell) for cell in looked.cells if not is_right(cell)]
    assert not wrong, "\n".join(wrong)
    assert len(looked.cells) > CELLS_MIN
    count = Counter(cell.seen.status for cell in looked.cells)
    assert min(count[status] for status in (200, 400, 401, 403, 404)) > 5, count
    assert {cell.line for cell in looked.cells} == {line for line in LINES if "sign-in" not in line.path}


def test_what_is_foreign_is_shown_like_what_never_was(town: Town, looked: Looked) -> None:
    told: dict[tuple[str, str, str], dict[str, tuple[int, str]]] = {}
    for cell in looked.cells:
        if cell.whose in ("foreign", "random"):
            text = re.sub("req_[0-9a-f]{32}", "", cell.seen.text)
            for kind in ("KEY", "USER", "CALL"):
                for word in ("MY", "THEIR", "RANDOM"):
                    text = text.replace(town.words[f"{word}_{kind}"], "ID")
            place = (cell.person.name, cell.line.path, cell.line.methods[-1])
            told.setdefault(place, {})[cell.whose] = (cell.seen.status, text)
    assert len(told) > 50
    different = [f"{place}\n{by}" for place, by in told.items() if by["foreign"] != by["random"]]
    assert not different, "\n".join(different)


def test_pages_show_nothing_of_another_workspace(town: Town, looked: Looked) -> None:
    shown = [
        f"{cell} shows {word}"
        for cell in looked.cells
        if cell.person.workspace and cell.person.rank < RANKS.index("operator") and cell.whose in ("own", "none")
        for word in (("MY" if cell.person.workspace == "rival" else "THEIR"),)
        for kind in ("KEY", "USER", "CALL", "WORKSPACE")
        if town.words[f"{word}_{kind}"] in cell.seen.text
    ]
    assert shown == []


def test_looking_around_has_moved_nothing(looked: Looked) -> None:
    assert looked.moved == []


def test_no_page_tells_a_key(town: Town, looked: Looked) -> None:
    for cell in looked.cells:
        assert not [word for word in ("MINE", "THEIRS", "ADMIN") if town.words[word] in cell.seen.text], cell
        if not cell.line.path.startswith("/dashboard/static"):
            assert cell.seen.headers["cache-control"] == "no-store", cell
