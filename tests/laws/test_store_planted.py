"""The laws of the book find every defect that is planted in the store: a law that cannot fail says nothing."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tallygate.store.address import DatabaseAddress
from tallygate.store.book import BookError
from tests.laws.store_machine import StoreMachine
from tests.laws.store_planted import ALONE, HonestBook


@pytest.mark.parametrize("book", ALONE, ids=lambda book: book.__name__)
def test_a_defect_of_the_store_is_found(address: DatabaseAddress, book: type[HonestBook]) -> None:
    trial = type("Trial", (StoreMachine,), {"address": address, "open": staticmethod(book)})
    # The database may find it first: its constraints are a second wall.
    with pytest.raises((AssertionError, BookError)):
        run_state_machine_as_test(
            trial,
            settings=settings(
                max_examples=200,
                stateful_step_count=60,
                deadline=None,
                database=None,
                derandomize=True,
                phases=[Phase.generate],
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
            ),
        )
