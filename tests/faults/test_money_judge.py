"""The judge of the money campaigns finds every answer that the database does not bear out."""

from contextlib import closing
from pathlib import Path

import pytest
from msgspec import structs

from tallygate.genai.results import Held, Posted
from tallygate.store.address import DatabaseAddress
from tallygate.store.driver import DriverConnection
from tests.faults.money_journal import Journal, Told, read_journal
from tests.faults.money_judge import judge_campaign
from tests.faults.money_stage import MoneyStage, wait_for


@pytest.fixture
def played(address: DatabaseAddress, tmp_path: Path) -> MoneyStage:
    """A short campaign without any fault."""
    stage = MoneyStage(address, tmp_path)
    wait_for(stage.start(stage.task(seed=1, calls=24)), killed=False)
    return stage


def spoil(told: list[Told], answer: str, **changes: object) -> list[Told]:
    """Change the row of the first answer of a kind."""
    at = next(place for place, one in enumerate(told) if one.answer == answer)
    row = told[at].hold or told[at].transfer
    assert row is not None
    field = "hold" if told[at].hold else "transfer"
    return [*told[:at], structs.replace(told[at], **{field: structs.replace(row, **changes)}), *told[at + 1 :]]


def test_false_answers_are_found(played: MoneyStage) -> None:
    told = played.told()
    judge_campaign(played.address, told)
    lies = [
        spoil(told, "Posted", charged_nusd=1_000_000),
        spoil(told, "Posted", sequence=1_000),
        spoil(told, "Voided", state="posted"),
        spoil(told, "Held", amount_nusd=1_000_000),
        spoil(told, "Moved", amount_nusd=1_000_000),
        [*told, structs.replace(next(one for one in told if one.answer == "Held"), subject="vanished")],
        [*told, Told("settle", told[0].subject, "StoreUnavailable")],
        [one for one in told if one.answer != "Held"],
        [structs.replace(one, answer="Refused") if one.answer == "Held" else one for one in told],
    ]
    for lie in lies:
        with pytest.raises(AssertionError):
            judge_campaign(played.address, lie)


def test_a_hold_left_open_is_found(played: MoneyStage) -> None:
    with closing(DriverConnection(played.address)) as connection:
        connection.fetch("UPDATE holds SET state = 'open', ended_at_ns = NULL, sequence = 0 WHERE state = 'voided'")
    with pytest.raises(AssertionError):
        judge_campaign(played.address, [])


def test_a_line_that_was_not_finished_counts_as_not_written(tmp_path: Path, played: MoneyStage) -> None:
    row = next(one.hold for one in played.told() if one.answer == "Posted")
    assert row is not None
    path = tmp_path / "journal"
    journal = Journal(path)
    journal.write("admit", row.id, Held(row))
    journal.write("settle", row.id, Posted(row, "id"))
    journal.close()
    assert [one.answer for one in read_journal(path)] == ["Held", "Posted"]
    path.write_bytes(path.read_bytes()[:-5])
    assert [one.answer for one in read_journal(path)] == ["Held"]
