"""The book in a database keeps what the fold promises: the same steps come to the same rows on both engines."""

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tallygate.store.address import DatabaseAddress
from tests.laws.store_machine import StoreMachine

IS_LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
STEPS = 100_000 if IS_LONG else 5_000
RULES_EACH = 100


@pytest.mark.timeout(3_600 if IS_LONG else 600)  # a failure takes minutes to be made small
def test_the_book_in_a_database_keeps_its_promises(address: DatabaseAddress) -> None:
    trial = type("Trial", (StoreMachine,), {"address": address, "items_max": 64 if IS_LONG else 6})
    run_state_machine_as_test(
        trial,
        settings=settings(
            max_examples=2 * STEPS // RULES_EACH,
            stateful_step_count=RULES_EACH,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
    print(f"\n{trial.steps} items in {trial.transactions} transactions")  # noqa: T201 - the figures are the point
    assert trial.steps >= STEPS
