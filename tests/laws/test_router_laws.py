"""Laws of the router, over any settings, wishes, failures and times: nobody is asked whom the caller's names do not
lead to, no attempt is made that cannot be afforded, and every circuit finds its way back.
"""

from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tallygate.errors import (
    InternalError,
    NothingFits,
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
from tallygate.genai.plan import Excluded, Plan, Target
from tallygate.genai.routing import Routing
from tallygate.pipeline.failures import Failures
from tallygate.router.choice import Sight, choose, survey
from tallygate.router.circuits import (
    CLEAN,
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
from tallygate.router.gates import Gates, Ticket
from tallygate.router.health import Pace
from tallygate.router.manners import find_manners
from tallygate.router.plan import Catalog, Shelf, build_catalog
from tallygate.router.settings import Choose, ModelSettings, RouterSettings
from tallygate.router.wishes import Tariff

MS, S = 10**6, 10**9
PROVIDERS = ["lab", "den", "inn", "gone"]
NAMES = ["big", "small", "tiny", "lab/free", "unknown"]
CHOICES: list[Choose | None] = [None, "order", "weight", "price", "latency", "throughput"]
ERRORS: list[TallygateError | None] = [
    None, None, ProviderFailed(), ProviderTimeout(), ProviderNotConnected(), ProviderOverloaded(), StreamBroken(),
    ProviderOverloaded(retry_after_s=1), ProviderOverloaded(retry_after_s=60), ProviderRefusedUs(), ProviderForbidsUs(),
    ProviderRejected(), PayloadTooLarge(), UnsupportedParameter(), NothingFits(), InternalError(),
]  # fmt: skip
"""What one attempt may come to; None: an answer."""

target_names = st.builds("{}/{}".format, st.sampled_from(PROVIDERS), st.sampled_from(["a", "b"]))


@st.composite
def model_settings(draw: st.DrawFn) -> ModelSettings:
    targets = tuple(draw(st.lists(target_names, min_size=1, max_size=5, unique=True)))
    choice = draw(st.sampled_from(CHOICES))
    weights: dict[str, int] = draw(st.dictionaries(st.sampled_from(targets), st.integers(0, 5)))
    return ModelSettings(targets=targets, choose=choice, weights=weights if choice in (None, "weight") else None)


catalogs = st.fixed_dictionaries({name: model_settings() for name in ("big", "small", "tiny")})
wish_lists = st.builds(
    Routing,
    models=st.lists(st.sampled_from(NAMES), max_size=3).map(tuple),
    order=st.lists(st.sampled_from(PROVIDERS), max_size=2).map(tuple),
    only=st.lists(st.sampled_from(PROVIDERS), max_size=3).map(tuple),
    ignore=st.lists(st.sampled_from(PROVIDERS), max_size=1).map(tuple),
    allow_fallbacks=st.booleans(),
    sort=st.sampled_from([None, "price", "latency", "throughput"]),
)
rule_sets = st.builds(
    RouterSettings,
    failures_in_row_max=st.integers(1, 4),
    window_calls_min=st.integers(1, 6),
    failure_percent=st.integers(1, 100),
    retries_max=st.integers(0, 3),
    retry_burst=st.integers(0, 4),
    retry_percent=st.integers(0, 100),
)
verdicts = st.sampled_from(
    [SERVED, UNKNOWN, Verdict("failed", code="x"), Verdict("refused", code="y"), Verdict("limited", 9 * S, "z")]
)


class Clock:
    """Time that passes only when it is told to."""

    def __init__(self) -> None:
        self.now_ns = S

    def __call__(self) -> int:
        return self.now_ns


def build(models: dict[str, ModelSettings]) -> Catalog:
    shelves = {name: Shelf(frozenset({"chat"})) for name in PROVIDERS if name != "gone"}
    return build_catalog({name: model.targets for name, model in models.items()}, (), shelves)


def look(models: dict[str, ModelSettings], gates: Gates, number: float) -> Sight:
    prices = {name: place for place, name in enumerate(PROVIDERS)}
    return Sight(
        build(models),
        find_tariff=lambda _, target: Tariff(input_pusd=prices[target.provider]),
        find_pace=lambda target: Pace(float(prices[target.provider]), None),
        find_bar=gates.find_bar,
        manners=find_manners(models),
        draw=lambda: number,
    )


def walk(plan: Plan, gates: Gates, errors: Iterator[TallygateError | None]) -> tuple[list[Target], Failures]:
    """As the relay walks a plan. Whom it has asked, in order."""
    failures, asked = Failures(plan, gates), list[Target]()
    gates.retries.earn()
    while (turn := failures.find_next()) is not None:
        ticket = gates.enter(turn.target)
        if isinstance(ticket, Excluded):
            failures.leave_out(ticket)
            continue
        asked.append(turn.target)
        error = next(errors)
        ticket.end(SERVED if error is None else judge_error(error))
        if error is None or not failures.note(turn.target, error):
            break
    return asked, failures


def fresh(error: TallygateError | None) -> TallygateError | None:
    """An error of its own: what is told of a call is written into it."""
    return None if error is None else type(error)(retry_after_s=error.retry_after_s)


calls = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        wish_lists,
        st.floats(0, 1, exclude_max=True),
        st.integers(0, 90),
        st.lists(st.sampled_from(ERRORS), min_size=40, max_size=40),
    ),
    max_size=12,
)


@settings(max_examples=150)
@given(models=catalogs, rules=rule_sets, script=calls)
def test_nobody_is_asked_whom_the_callers_names_do_not_lead_to(
    models: dict[str, ModelSettings], rules: RouterSettings, script: list[Any]
) -> None:
    clock = Clock()
    gates = Gates(rules, clock)
    again = 0
    for name, wishes, number, later_s, errors in script:
        clock.now_ns += later_s * S
        sight = look(models, gates, number)
        named = (name, *wishes.models)
        declared = {tuple(target.split("/")) for key in named if key in models for target in models[key].targets}
        declared |= {("lab", "free")} if "lab/free" in named else set[tuple[str, str]]()
        if not survey(sight, name, "chat", wishes).sold:
            continue
        plan = choose(sight, name, "chat", wishes)
        asked, failures = walk(plan, gates, map(fresh, errors))
        places = [(target.provider, target.model) for target in asked]
        assert set(places) <= declared
        assert {place[0] for place in places}.isdisjoint(wishes.ignore)
        again += len(asked) - len(set(asked))
        assert len(asked) <= len(plan.targets) + rules.retries_max
        told = failures.find_error()
        assert told.message
        if told.status == 503 and not asked:
            assert told.retry_after_s, "who was refused at once is told when to come again"
    # What is asked again is paid for by the calls.
    assert again * 100 <= rules.retry_burst * 100 + rules.retry_percent * len(script)


@given(models=catalogs, name=st.sampled_from(NAMES), wishes=wish_lists, number=st.floats(0, 1, exclude_max=True))
def test_what_is_drawn_and_measured_changes_the_order_and_nothing_else(
    models: dict[str, ModelSettings], name: str, wishes: Routing, number: float
) -> None:
    plain = {key: ModelSettings(targets=model.targets) for key, model in models.items()}
    drawn = survey(look(models, Gates(), number), name, "chat", wishes)
    ordered = survey(look(plain, Gates(), number), name, "chat", wishes)
    assert drawn.names == ordered.names
    if wishes.allow_fallbacks or wishes.order:
        assert sorted(drawn.targets, key=repr) == sorted(ordered.targets, key=repr)


@given(
    rules=rule_sets,
    steps=st.lists(st.tuples(st.integers(0, 40_000), verdicts, st.booleans()), max_size=60),
)
def test_from_anywhere_a_circuit_closes_once_its_target_serves_again(
    rules: RouterSettings, steps: list[tuple[int, Verdict, bool]]
) -> None:
    clock, target = Clock(), Target("lab", "a")
    gates, under_way = Gates(rules, clock), list[Ticket]()
    for later_ms, verdict, ends in steps:
        clock.now_ns += later_ms * MS
        if ends and under_way:
            under_way.pop(0).end(verdict)
        elif isinstance(entered := gates.enter(target), Ticket):
            under_way.append(entered)
        assert sum(ticket.is_probe for ticket in under_way) <= 1, "never two probes at once"
        if find_state(gates.find_circuit(("lab", "a")), clock.now_ns) == "open":
            assert isinstance(gates.enter(target), Excluded)
    for ticket in under_way:
        ticket.end(UNKNOWN)
    assert gates.count_running(("lab", "a")) == 0
    bar = gates.find_bar(target)
    # However it came there, it is not left alone for longer than the settings say.
    assert bar is None or bar.wait_s * 1000 <= max(rules.open_ms_max, rules.refused_ms)
    clock.now_ns += 0 if bar is None else bar.wait_s * S
    entered = gates.enter(target)
    assert isinstance(entered, Ticket)
    entered.end(SERVED)
    assert gates.find_bar(target) is None
    assert gates.find_circuit(("lab", "a")).openings == 0


@given(rules=rule_sets, steps=st.lists(st.tuples(st.integers(0, 40_000), verdicts), max_size=60))
def test_a_callers_own_mistakes_never_count(rules: RouterSettings, steps: list[tuple[int, Verdict]]) -> None:
    with_them, without = CLEAN, CLEAN
    now_ns = S
    for later_ms, verdict in steps:
        now_ns += later_ms * MS
        with_them = step(with_them, UNKNOWN, now_ns, rules)
        with_them, without = (step(circuit, verdict, now_ns, rules) for circuit in (with_them, without))
        assert with_them == without


def step(circuit: Circuit, verdict: Verdict, now_ns: int, rules: RouterSettings) -> Circuit:
    """One call that begins and ends, if it may."""
    if find_bar(circuit, now_ns) is not None:
        return circuit
    begun = begin(circuit)
    return end(begun, verdict, now_ns, rules, is_probe=begun.probing)


@given(rules=rule_sets, calls=st.integers(50, 300), down=st.tuples(st.integers(0, 300), st.integers(0, 300)))
def test_an_outage_costs_few_attempts(rules: RouterSettings, calls: int, down: tuple[int, int]) -> None:
    """One of three equals is down for a while; ten calls a second come."""
    clock = Clock()
    gates = Gates(rules, clock)
    plan = Plan("m", "chat", tuple(Target(name, "a") for name in ("lab", "den", "inn")))
    attempts = 0
    for call in range(calls):
        clock.now_ns += 100 * MS
        is_down = min(down) <= call < max(down)
        ailing = {"lab"} if is_down else set[str]()
        failures = Failures(plan, gates)
        while (turn := failures.find_next()) is not None:
            entered = gates.enter(turn.target)
            if isinstance(entered, Excluded):
                failures.leave_out(entered)
                continue
            attempts += 1
            fails = turn.target.provider in ailing
            entered.end(judge_error(ProviderFailed()) if fails else SERVED)
            if not fails:
                break
            failures.note(turn.target, ProviderFailed())
        assert turn is not None, "somebody was well"
    assert attempts <= calls + rules.failures_in_row_max + 8
