"""Wrong guesses are counted by name and forgotten with time."""

import pytest

from tallygate.access.guesses import NAMES_MAX, WINDOW_S, Guesses
from tallygate.errors import TooManySignIns


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


def test_too_many_wrong_guesses_under_one_name() -> None:
    clock = Clock()
    guesses = Guesses(3, clock)
    for _ in range(3):
        guesses.check("ada")
        guesses.note_wrong("ada")
    with pytest.raises(TooManySignIns) as refused:
        guesses.check("ada")
    assert refused.value.retry_after_s == 60
    guesses.check("bob")
    clock.now_s += WINDOW_S - 1
    with pytest.raises(TooManySignIns):
        guesses.check("ada")
    clock.now_s += 1
    guesses.check("ada")


def test_a_window_begins_anew_with_a_wrong_guess_after_it() -> None:
    clock = Clock()
    guesses = Guesses(2, clock)
    guesses.note_wrong("ada")
    clock.now_s += WINDOW_S
    guesses.note_wrong("ada")
    guesses.check("ada")


def test_who_got_it_right_starts_anew() -> None:
    guesses = Guesses(2, Clock())
    guesses.note_wrong("ada")
    guesses.forget("ada")
    guesses.note_wrong("ada")
    guesses.check("ada")


def test_what_is_remembered_has_an_end() -> None:
    guesses = Guesses(1, Clock())
    for number in range(NAMES_MAX + 1):
        guesses.note_wrong(str(number))
    guesses.check("0")
    with pytest.raises(TooManySignIns):
        guesses.check(str(NAMES_MAX))
