"""Silence is judged by what was watched: pauses, outages and late looks never kill anybody who lives."""

import math
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from tallygate.store.watch import Watch

LOOK_S, LEASE_S = 2.0, 15.0


def watch() -> Watch:
    return Watch(look_s=LOOK_S, lease_s=LEASE_S)


def look_steadily(watching: Watch, times_s: Iterable[float], other: int = 7, own: int = 0) -> list[frozenset[str]]:
    """Looks at an `other` that stands still while our own counter moves."""
    return [watching.look({"us": own + number, "other": other}, "us", now_s) for number, now_s in enumerate(times_s, 1)]


def test_silence_of_a_whole_lease_is_death_and_less_is_not() -> None:
    looks = look_steadily(watch(), [0, 2, 4, 6, 8, 10, 12, 14, 15.5])
    assert looks[:-1] == [frozenset()] * 8
    assert looks[-1] == {"other"}


def test_a_beat_begins_the_count_anew() -> None:
    watching = watch()
    look_steadily(watching, [0, 2, 4, 6, 8, 10, 12, 14])
    assert watching.look({"us": 100, "other": 8}, "us", 15.9) == frozenset()
    looks = look_steadily(watching, [18, 20, 22, 24, 26, 28, 30], other=8, own=100)
    assert looks[-1] == frozenset()


def test_the_watcher_never_judges_itself() -> None:
    watching = watch()
    assert all(watching.look({"us": 1}, "us", float(now_s)) == frozenset() for now_s in range(0, 100, 2))


def test_a_watcher_that_was_stopped_counts_two_intervals_at_most() -> None:
    watching = watch()
    look_steadily(watching, [0, 2, 4])
    assert look_steadily(watching, [3600], own=10) == [frozenset()]  # 4 s + 4 s
    assert look_steadily(watching, [3602, 3604, 3606], own=20) == [frozenset()] * 3
    assert look_steadily(watching, [3608], own=30) == [{"other"}]


def test_what_nobody_could_write_is_nobodys_silence() -> None:
    watching = watch()
    look_steadily(watching, [0, 2])
    # Read-only, full, or locked from outside: everybody's counter stands still, ours, too.
    outage = [watching.look({"us": 2, "other": 7}, "us", float(now_s)) for now_s in range(4, 600, 2)]
    assert outage == [frozenset()] * len(outage)
    assert look_steadily(watching, [600, 602], own=10) == [frozenset()] * 2


def test_a_beat_of_ours_that_is_seen_a_look_late_loses_no_time() -> None:
    watching, own = watch(), [1, 1, 2, 2, 3, 3, 4, 4, 5]
    looks = [watching.look({"us": beats, "other": 7}, "us", 2.0 * number) for number, beats in enumerate(own)]
    assert looks == [frozenset()] * 8 + [{"other"}]  # 16 s


def test_a_watcher_taken_for_dead_judges_nobody_until_its_new_life_beats() -> None:
    watching = watch()
    look_steadily(watching, [0, 2, 4, 6, 8, 10, 12, 14])
    assert watching.look({"other": 7}, "us", 16.0) == frozenset()
    assert watching.look({"other": 7, "us2": 0}, "us2", 18.0) == {"other"}


def test_who_is_gone_is_forgotten() -> None:
    watching = watch()
    look_steadily(watching, [0, 2, 4, 6, 8, 10, 12, 14])
    watching.look({"us": 50}, "us", 14.5)
    assert look_steadily(watching, [16, 18], own=60) == [frozenset()] * 2


@given(
    steps=st.lists(st.tuples(st.sampled_from(["look", "stop", "outage"]), st.floats(0, 3600)), max_size=60),
)
def test_one_who_beats_whenever_it_can_is_never_taken_for_dead(steps: list[tuple[str, float]]) -> None:
    watching, now_s, us, other = watch(), 0.0, 0, 0
    for kind, length_s in steps:
        if kind == "look":
            # The other's beats come late: only every second look finds a new one.
            now_s, us, other = now_s + LOOK_S, us + 1, us // 2
        elif kind == "stop":  # we stood still, the other beat on
            now_s, us, other = now_s + length_s, us + 1, other + 1
        else:  # nobody could write
            now_s += length_s
        assert watching.look({"us": us, "other": other}, "us", now_s) == frozenset()


@given(st.sampled_from([0.5, 1.0, 2.0, 4.0]), st.integers(0, 10**9))
def test_one_who_is_silent_dies_at_the_first_look_after_the_lease(look_s: float, began_s: int) -> None:
    looks = math.ceil(LEASE_S / look_s)
    found = look_steadily(watch(), [began_s + look_s * number for number in range(looks + 1)])
    assert found == [frozenset()] * looks + [{"other"}]
