"""What the search for cycles is spared, and that it still finds them."""

import gc
import weakref
from collections.abc import Generator

import pytest

from tallygate.pipeline.collector import YOUNG_MAX, spare_the_collector


@pytest.fixture(autouse=True)
def restored() -> Generator[None]:
    threshold = gc.get_threshold()
    yield
    gc.set_threshold(*threshold)
    gc.unfreeze()


class Ring:
    """An object that holds itself."""

    def __init__(self) -> None:
        self.me = self


def test_what_stands_is_left_out() -> None:
    before = gc.get_freeze_count()
    spare_the_collector()
    assert gc.get_freeze_count() > before + 1_000


def test_a_cycle_is_found_once_there_is_much_that_is_new() -> None:
    spare_the_collector()
    gone = weakref.ref(Ring())
    kept: list[Ring] = []
    while gone() is not None:
        kept.append(Ring())
        assert len(kept) <= YOUNG_MAX
