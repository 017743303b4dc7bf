"""The budget of further attempts: it follows the calls, and nothing else."""

from tallygate.router.retries import Retries
from tallygate.router.settings import RouterSettings


def spend_all(retries: Retries) -> int:
    spent = 0
    while retries.spend():
        spent += 1
    return spent


def test_it_begins_full_and_is_paid_for_by_calls() -> None:
    retries = Retries(RouterSettings(retry_burst=3, retry_percent=10))
    assert spend_all(retries) == 3
    for _ in range(10):
        assert spend_all(retries) == 0
        retries.earn()
    for _ in range(11):
        retries.earn()
    assert spend_all(retries) == 2


def test_it_never_holds_more_than_at_the_beginning() -> None:
    retries = Retries(RouterSettings(retry_burst=3, retry_percent=100))
    for _ in range(100):
        retries.earn()
    assert spend_all(retries) == 3


def test_who_takes_over_leaves_less_and_is_not_kept_from_it() -> None:
    retries = Retries(RouterSettings(retry_burst=3))
    for _ in range(2):
        retries.take_over()
    assert spend_all(retries) == 1
    retries.take_over()
    for _ in range(10):
        retries.earn()
    assert spend_all(retries) == 1, "it owes nothing"


def test_other_rules_count_from_now_on() -> None:
    retries = Retries(RouterSettings(retry_burst=0))
    assert not retries.spend()
    retries.use(RouterSettings(retry_burst=1, retry_percent=100))
    retries.earn()
    assert retries.spend()
