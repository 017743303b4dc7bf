"""What the writer counts of its batches."""

import pytest
from msgspec import structs

from tallygate.genai.results import Held, Noted, Posted, Voided
from tallygate.store.figures import BATCH_BOUNDS, Figures
from tests.fakes.ledger import build_town, hold

HOLD = structs.replace(hold(build_town(credit_nusd=1_000), "call_1"), charged_nusd=70, loss_nusd=3)


@pytest.mark.parametrize(("size", "place"), [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (511, 9), (512, 9)])
def test_a_batch_is_counted_by_the_bound_it_keeps(size: int, place: int) -> None:
    figures = Figures()
    figures.note([Noted(HOLD)] * size)
    assert figures.batches[place] == 1
    assert size <= BATCH_BOUNDS[place]
    assert figures.items == size


def test_money_and_ends_are_summed() -> None:
    figures = Figures()
    figures.note([Held(HOLD), Posted(HOLD, "t"), Voided(HOLD)])
    figures.note([])
    assert (figures.held, figures.posted, figures.voided) == (1, 1, 1)
    assert (figures.charged_nusd, figures.loss_nusd) == (70, 3)
    assert sum(figures.batches) == 1
