"""The tenancy matrix: every address, method, standing, and whose object it is, at a running gateway.

One connection carries all of it, so that a cell costs a request and nothing more. What is refused has moved nothing;
what is foreign is answered like what never was; and nothing that is shown to a tenant has anything of another's in it.
"""

import re
from collections import Counter
from typing import NamedTuple

import pytest

from tallygate.api.urls import URLS
from tests.fakes.front import Answer, Line
from tests.security.oracle import Cell, is_right, list_cells
from tests.security.standings import Standing, settle_standings
from tests.security.town import Town, randomised

CELLS_MIN = 2_000
OWN_IDS = re.compile(rb"req_[0-9a-f]{32}")


class Answered(NamedTuple):
    """Every cell with its answer, and what has changed in the database by all of them."""

    cells: list[tuple[Cell, Answer]]
    moved: list[str]
    sent: int


@pytest.fixture(scope="module")
def standings(town: Town) -> tuple[Standing, ...]:
    """Everybody, in each town."""
    town.words["RANDOM_USER"] = randomised(town.words["THEIR_USER"])
    return settle_standings(town)


@pytest.fixture(scope="module")
def answered(town: Town, standings: tuple[Standing, ...]) -> Answered:
    """Everything that there is to ask, asked once."""
    before, mark = town.state(), town.upstream.mark()
    asker = Asker(town)
    found = [(cell, asker.ask(cell)) for cell in list_cells(standings, town.words)]
    asker.close()
    return Answered(found, town.state().differences(before), len(town.upstream.requests_since(mark)))


class Asker:
    """Asks one cell after another, on one connection for as long as it goes on."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._line: Line | None = None

    def ask(self, cell: Cell) -> Answer:
        """The answer to a cell."""
        if self._line is None:
            self._line = self._town.connect()
        head = f"{cell.method} {cell.target} HTTP/1.1\r\nHost: localhost\r\n"
        if cell.standing.key:
            head += f"Authorization: Bearer {cell.standing.key}\r\n"
        body = cell.body if cell.method in ("POST", "PUT", "PATCH") else b""
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        answer = self._line.send(head.encode() + b"\r\n" + body).read(bare=cell.method == "HEAD")
        if answer.headers.get("connection") == "close":
            self.close()
        return answer

    def close(self) -> None:
        """Hang up."""
        if self._line is not None:
            self._line.close()
            self._line = None


def test_every_cell_is_answered_as_its_policy_says(answered: Answered) -> None:
    wrong = [f"{cell} got {answer.status}" for cell, answer in answered.cells if not is_right(cell, answer.status)]
    assert not wrong, "\n".join(wrong)
    assert len(answered.cells) >= CELLS_MIN
    assert {cell.route for cell, _ in answered.cells} == set(URLS)
    count = Counter(answer.status for _, answer in answered.cells)
    assert min(count[status] for status in (200, 401, 403, 404, 405)) > 20, count


def test_what_is_foreign_is_answered_like_what_never_was(town: Town, answered: Answered) -> None:
    told: dict[tuple[str, str, str], dict[str, tuple[int, bytes, list[tuple[str, str]]]]] = {}
    for cell, answer in answered.cells:
        if cell.whose in ("foreign", "random"):
            place = (cell.standing.name, cell.method, cell.route.path)
            told.setdefault(place, {})[cell.whose] = without_ids(town, answer)
    assert len(told) > 50
    different = [(place, by) for place, by in told.items() if by["foreign"] != by["random"]]
    assert not different, "\n".join(map(str, different))


def test_nothing_has_moved(answered: Answered) -> None:
    assert answered.moved == []
    assert answered.sent == 0


def without_ids(town: Town, answer: Answer) -> tuple[int, bytes, list[tuple[str, str]]]:
    """An answer without what differs from one request to the next, and without the id that was asked for."""
    body = OWN_IDS.sub(b"", answer.body)
    for kind in ("CALL", "KEY", "USER"):
        for word in ("MY", "THEIR", "RANDOM"):
            body = body.replace(town.words[f"{word}_{kind}"].encode(), b"ID")
    headers = [(name, value) for name, value in answer.headers.items() if not name.endswith(("request-id", "date"))]
    return answer.status, body, sorted(headers)


def test_nothing_of_another_tenant_is_ever_shown(town: Town, answered: Answered) -> None:
    foreign = {
        tenant: [town.words[f"{owner}_{kind}"].encode() for kind in ("KEY", "USER", "WORKSPACE")]
        for tenant, owner in (("acme", "THEIR"), ("rival", "MY"))
    }
    shown = [
        str(cell)
        for cell, answer in answered.cells
        if cell.route.policy != "public" and cell.standing.tenant in foreign and cell.whose not in ("foreign", "random")
        for secret in foreign[cell.standing.tenant]
        if secret in answer.body and secret.decode() not in cell.target
    ]
    assert shown == []


def test_no_answer_tells_a_key_or_what_is_inside(standings: tuple[Standing, ...], answered: Answered) -> None:
    keys = [standing.key.encode() for standing in standings if standing.key]
    for cell, answer in answered.cells:
        assert b"Traceback" not in answer.body, cell
        assert not any(key in answer.body for key in keys), cell
        if answer.status == 403:
            assert b"permission" in answer.body or b"address" in answer.body or b"admin" in answer.body, cell
