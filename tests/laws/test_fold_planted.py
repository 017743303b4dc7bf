"""The laws of the book find every planted defect: a law that cannot fail says nothing."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.fakes.ledger import Fold
from tests.laws.book_machine import Machine
from tests.laws.book_planted import PLANTED


@pytest.mark.parametrize("book", PLANTED, ids=lambda book: book.__name__)
def test_a_planted_defect_is_found(book: Fold) -> None:
    trial = type("Trial", (Machine,), {"book": staticmethod(book)})
    with pytest.raises(AssertionError):
        run_state_machine_as_test(
            trial,
            settings=settings(
                max_examples=3_000,
                stateful_step_count=100,
                deadline=None,
                database=None,
                derandomize=True,
                phases=[Phase.generate],
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
            ),
        )
