"""Every row of the checklist against a running gateway: each request is answered as it should be, and leaves nothing.

A refusal leaves nothing: the provider was not asked, no canary heard of it, no table is other than before, and no slot
is taken. What is right for which input stands in `rows_….py`.
"""

import json
from typing import Any

import pytest

from tests.fakes.front import Answer
from tests.security.checklist import ROWS
from tests.security.row import Ask, Row
from tests.security.town import State, Town

RETRY_IN_VAIN = frozenset({400, 401, 402, 403, 404, 405, 411, 413, 414, 415, 422, 426, 431})
CALLS = frozenset({"holds", "transfers", "wallets", "receipts", "claims", "budgets", "rates", "users"})
"""Tables that a served call writes."""

TRIED = [row for row in ROWS if row.asks or row.plays]


@pytest.mark.parametrize("row", TRIED, ids=str)
def test_each_request_is_answered_as_its_row_says(town: Town, row: Row) -> None:
    before, mark = town.state(), town.upstream.mark()
    heard = len(town.canary.heard)
    assert before.slots == 0
    for number, asked in enumerate(row.asks):
        answer, closed = town.send(asked.raw)
        shown = (
            f"request {number} of row {row}: {town.fill(asked.raw)[:300]!r} got {answer.status} {answer.body[:300]!r}"
        )
        assert answer.status in asked.statuses, shown
        assert asked.closes in (None, closed), shown
        if answer.status >= 400:
            check_refusal(answer, asked, shown)
    check_traces(town, row, before, mark)
    for play in row.plays:
        play(town)
    assert len(town.canary.heard) == heard, "somebody inside was called"
    assert town.state().slots == 0


def check_refusal(answer: Answer, asked: Ask, shown: str) -> None:
    """A refusal says what is wrong, in JSON, and nothing of what is inside."""
    headers = answer.headers
    assert headers["x-request-id"] == headers["request-id"], shown
    if asked.raw.startswith(b"HEAD "):
        return
    if asked.codes or not headers["content-type"].startswith("text/html"):
        code = code_of(json.loads(answer.body))
        assert not asked.codes or code in asked.codes, shown
    if answer.status in RETRY_IN_VAIN:
        assert headers["x-should-retry"] == "false", shown
    for name, value in asked.headers.items():
        assert headers[name] == value, shown
    assert b"traceback" not in answer.body.lower(), shown
    assert b".py" not in answer.body, shown
    assert "server" not in headers, shown


def code_of(body: Any) -> str:
    """The code of an error, whichever body it has."""
    error = body["error"]
    if isinstance(error, str):
        return str(body.get("error_code", error))
    code = error.get("code", error.get("type"))
    return str(error.get("metadata", {}).get("reason", code))


def check_traces(town: Town, row: Row, before: State, mark: str) -> None:
    """Nothing moved but what the row's sound calls move."""
    after = town.state()
    assert after.slots == 0
    leaves = {asked.leaves for asked in row.asks}
    moved = {line.partition(":")[0] for line in after.differences(before)}
    if "a call" in leaves:
        assert moved <= CALLS, moved
        return
    assert town.upstream.requests_since(mark) == []
    if "a void" in leaves:
        assert moved <= {"holds", "transfers"}, moved
        return
    assert not moved, after.differences(before)
