"""When a target is left alone, for how long, and what closes its circuit again."""

from typing import Any

import pytest
from msgspec.structs import replace

from tallygate.errors import (
    InternalError,
    InvalidAnswer,
    PayloadTooLarge,
    ProviderFailed,
    ProviderForbidsUs,
    ProviderNotConnected,
    ProviderOverloaded,
    ProviderRefusedUs,
    ProviderRejected,
    ProviderTimeout,
    StreamBroken,
    TallygateError,
    UnsupportedParameter,
)
from tallygate.router.circuits import (
    CLEAN,
    OPENINGS_MAX,
    SERVED,
    UNKNOWN,
    Circuit,
    Verdict,
    begin,
    end,
    find_bar,
    find_state,
    judge_error,
)
from tallygate.router.settings import RouterSettings

MS, S = 10**6, 10**9
RULES = RouterSettings()
FAILED = Verdict("failed", code="provider_error")
REFUSED = Verdict("refused", code="provider_refused_gateway")


def limited(seconds: int) -> Verdict:
    return Verdict("limited", seconds * S, "overloaded")


def fail(times: int, circuit: Circuit = CLEAN, now_ns: int = S, rules: RouterSettings = RULES) -> Circuit:
    for _ in range(times):
        circuit = end(circuit, FAILED, now_ns, rules, is_probe=False)
    return circuit


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ProviderFailed(), "failed"),
        (ProviderNotConnected(), "failed"),
        (ProviderTimeout(), "failed"),
        (StreamBroken(), "failed"),
        (InvalidAnswer(), "failed"),
        (ProviderOverloaded(), "failed"),
        (ProviderOverloaded(retry_after_s=9), "limited"),
        (ProviderRefusedUs(), "refused"),
        (ProviderForbidsUs(), "failed"),
        (ProviderRejected(), "unknown"),
        (PayloadTooLarge(), "unknown"),
        (UnsupportedParameter(), "unknown"),
        (InternalError(), "unknown"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_whose_fault_a_failure_is(error: TallygateError, kind: str) -> None:
    assert judge_error(error).kind == kind


def test_what_a_provider_asks_for_is_taken_at_its_word() -> None:
    assert judge_error(ProviderOverloaded(retry_after_s=9)).wait_ns == 9 * S


def test_a_circuit_opens_after_so_many_failures_in_a_row() -> None:
    assert find_state(fail(4), S) == "closed"
    opened = fail(5)
    assert find_state(opened, S) == "open"
    bar = find_bar(opened, 2 * S)
    assert bar is not None
    assert (bar.cause, bar.wait_s) == ("circuit", 4)
    assert bar.reason == "it failed with provider_error and is tried again in 4 s"


def test_a_success_between_them_starts_the_row_anew() -> None:
    circuit = fail(4, end(fail(4), SERVED, S, RULES, is_probe=False))
    assert find_state(circuit, S) == "closed"
    assert find_state(fail(1, circuit), S) == "open"


def test_a_share_of_failures_opens_it_too() -> None:
    rules = RouterSettings(failures_in_row_max=1_000, failure_percent=50, window_calls_min=6)
    circuit = CLEAN
    for _ in range(2):
        circuit = end(fail(1, circuit, rules=rules), SERVED, S, rules, is_probe=False)
    assert find_state(circuit, S) == "closed", "two of four, but four say nothing"
    circuit = end(circuit, SERVED, S, rules, is_probe=False)
    assert find_state(fail(1, circuit, rules=rules), S) == "open"


def test_what_is_long_ago_does_not_count() -> None:
    rules = RouterSettings(failures_in_row_max=1_000, window_calls_min=6)
    circuit = fail(5, rules=rules)
    later_ns = S + rules.window_ms * MS + 1
    assert find_state(fail(1, circuit, later_ns, rules), later_ns) == "closed"
    assert end(circuit, SERVED, later_ns, rules, is_probe=False) == CLEAN, "and need not be kept"


@pytest.mark.parametrize("verdict", [SERVED, UNKNOWN])
def test_a_target_that_is_well_is_not_remembered(verdict: Verdict) -> None:
    assert end(CLEAN, verdict, S, RULES, is_probe=False) == CLEAN


def test_a_key_that_is_not_taken_opens_it_at_once_and_for_long() -> None:
    opened = end(CLEAN, REFUSED, S, RULES, is_probe=False)
    assert find_state(opened, S + 60 * S - 1) == "open"
    assert find_state(opened, S + 60 * S) == "half_open"
    probed = end(begin(opened), REFUSED, 61 * S, RULES, is_probe=True)
    assert probed.until_ns == 121 * S, "no longer each time: the operator may mend it at any moment"


def test_a_rest_that_is_asked_for_is_given() -> None:
    cooling = end(CLEAN, limited(9), S, RULES, is_probe=False)
    assert find_state(cooling, 10 * S - 1) == "cooling"
    bar = find_bar(cooling, S)
    assert bar is not None
    assert (bar.cause, bar.wait_s, bar.reason) == ("cooling", 9, "it asked to be left alone for 9 s more")
    assert find_state(cooling, 10 * S) == "closed", "nobody has to try it first"
    # What others still get from it does not shorten the rest.
    assert find_state(end(cooling, SERVED, S, RULES, is_probe=False), S) == "cooling"


def test_no_rest_is_longer_than_the_settings_say() -> None:
    cooling = end(CLEAN, limited(10_000), 0, RULES, is_probe=False)
    assert cooling.until_ns == RULES.open_ms_max * MS


def test_who_asks_for_rests_all_the_time_is_left_alone() -> None:
    circuit = CLEAN
    for _ in range(5):
        circuit = end(circuit, limited(20), S, RULES, is_probe=False)
    assert (find_state(circuit, S), circuit.until_ns) == ("open", 21 * S)


def test_one_call_tries_it_and_the_others_wait() -> None:
    opened = fail(5)
    now_ns = opened.until_ns
    assert find_bar(opened, now_ns) is None
    probing = begin(opened)
    bar = find_bar(probing, now_ns)
    assert bar is not None
    assert (bar.wait_s, bar.reason) == (1, "it failed with provider_error and one call is trying it again")
    assert end(probing, SERVED, now_ns, RULES, is_probe=True) == CLEAN


def test_each_try_in_vain_doubles_the_time_up_to_a_bound() -> None:
    circuit, now_ns, waits = fail(5), S, list[int]()
    for _ in range(OPENINGS_MAX + 4):
        waits.append((circuit.until_ns - now_ns) // S)
        now_ns = circuit.until_ns
        circuit = end(begin(circuit), FAILED, now_ns, RULES, is_probe=True)
    assert waits[:6] == [5, 10, 20, 40, 60, 60]
    assert set(waits[6:]) == {60}


def test_a_try_that_tells_nothing_leaves_it_to_the_next() -> None:
    probing = begin(fail(5))
    free = end(probing, UNKNOWN, probing.until_ns, RULES, is_probe=True)
    assert (find_state(free, free.until_ns), find_bar(free, free.until_ns)) == ("half_open", None)


@pytest.mark.parametrize("verdict", [SERVED, FAILED, REFUSED, UNKNOWN, limited(50)])
@pytest.mark.parametrize("probing", [False, True])
def test_what_began_before_it_opened_says_nothing_any_more(verdict: Verdict, probing: bool) -> None:
    opened = replace(fail(5), probing=probing)
    assert end(opened, verdict, 2 * S, RULES, is_probe=False) == opened


def test_a_bar_names_a_second_at_least() -> None:
    rules: dict[str, Any] = {"open_ms": 1}
    bar = find_bar(fail(5, rules=RouterSettings(**rules)), S)
    assert bar is not None
    assert bar.wait_s == 1
