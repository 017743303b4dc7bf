"""The judge over histories made by hand: each promise has one that keeps it and some that break it."""

from typing import Any

import pytest

from tests.faults.evidence import Case, Emission, Evidence, Probe, Sample, Upstream, gather
from tests.faults.judge import PROMISES, Limits, judge, verdict
from tests.faults.wires import WIRES, Ask, text_of, token

NONCE, OTHER = "zqaaaaaaaaqz", "zqbbbbbbbbqz"
ASK = Ask(f"none.{NONCE}", "none", NONCE, stream=True, wants_usage=False)
SSE = (("content-type", "text/event-stream"),)
JSON = (("content-type", "application/json"),)
ERROR = b'data: {"error": {"message": "It broke.", "type": "server_error", "code": "stream_broken"}}\n\n'
ANTHROPIC_ERROR = b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"It broke."}}\n\n'
DONE = b"data: [DONE]\n\n"


def content(*numbers: int, nonce: str = NONCE) -> list[bytes]:
    """Frames with these tokens."""
    return [WIRES["openai"].content(ASK, token(nonce, number)) for number in numbers]


def upstream(tokens: int = 3, end: str = "terminator", **more: Any) -> Upstream:
    """A request that emitted so many tokens."""
    said = tuple(Emission(10.0 + n, "content", token(NONCE, n)) for n in range(tokens))
    facts: dict[str, Any] = {"nonce": NONCE, "request": 1, "connection": 1, "accepted_s": 9.0, "ended": ("clean", 20.0)}
    return Upstream(**{**facts, **more}, emissions=(*said, *((Emission(19.0, end),) if end else ())))


def case(*frames: bytes, **more: Any) -> Case:
    """A streamed call that got these frames, a second apart."""
    arrivals = tuple((10.5 + place, frame) for place, frame in enumerate(frames))
    facts: dict[str, Any] = {
        "nonce": NONCE,
        "wire": "openai",
        "stream": True,
        "fault": "none",
        "asked_s": 8.0,
        "status": 200,
        "headers": SSE,
        "arrivals": arrivals,
        "how": "complete",
        "ended_s": 21.0,
        "upstreams": (upstream(),),
    }
    return Case(**{**facts, **more})


def left_after(source: Upstream) -> Case:
    """A call whose client left at 15 s, with a token in hand."""
    return case(*content(0), how="left", ended_s=15.0, upstreams=(source,))


def evidence(*cases: Case, **more: Any) -> Evidence:
    """What a campaign of these calls leaves, read long after."""
    facts: dict[str, Any] = {"cases": cases, "until_s": 100.0, **more}
    return Evidence(**facts)


def told(*cases: Case, limits: Limits | None = None, **more: Any) -> list[str]:
    """The promises broken."""
    return list(dict.fromkeys(violation.promise for violation in judge(evidence(*cases, **more), limits)))


GOOD = case(*content(0, 1, 2), DONE)
FAILED = case(*content(0, 1), ERROR, upstreams=(upstream(2, ""),))
WHOLE_BODY = b'{"choices": [{"index": 0, "message": {"content": "%s"}}]}' % text_of(NONCE, 3).encode()
SPOKE = Upstream(NONCE, 1, 1, 9.0, (Emission(10.0, "whole", text_of(NONCE, 3)),), ended=("clean", 11.0))
WHOLE = case(WHOLE_BODY, stream=False, headers=JSON, upstreams=(SPOKE,))
REFUSED = case(
    b'{"error": {"message": "It broke.", "type": "server_error", "code": "provider_error"}}',
    status=502,
    headers=JSON,
    upstreams=(upstream(0, "error", leaks=("gpu-17",)),),
)


@pytest.mark.parametrize("kept", [GOOD, FAILED, WHOLE, REFUSED])
def test_a_call_that_keeps_them_breaks_none(kept: Case) -> None:
    assert told(kept) == []


BREACHES: dict[str, tuple[str, Case]] = {
    "a token is missing": ("S1", case(*content(0, 2), DONE)),
    "a token comes twice": ("S1", case(*content(0, 0, 1, 2), DONE)),
    "two tokens are swapped": ("S1", case(*content(1, 0, 2), DONE)),
    "the last token is missing from the whole": ("S1", case(*content(0, 1), DONE)),
    "a character is replaced": ("S1", case(*content(0), content(1)[0].replace("☃".encode(), "\ufffd".encode()))),
    "a whole answer is not what was said": ("S1", WHOLE._replace(arrivals=((10.0, WHOLE_BODY.replace(b":2", b":3")),))),
    "two terminators": ("S2", case(*content(0, 1, 2), DONE, DONE)),
    "a terminator after an error": ("S2", FAILED._replace(arrivals=(*FAILED.arrivals, (20.0, DONE)))),
    "an error after a terminator": ("S2", case(*content(0, 1, 2), DONE, ERROR)),
    "text after the end": ("S2", case(*content(0, 1), DONE, *content(2))),
    "two errors": ("S2", case(*content(0), ERROR, ERROR, upstreams=(upstream(1, ""),))),
    "an event that is not JSON": ("S2", case(b"data: {broken\n\n", *content(0, 1, 2), DONE)),
    "an error without a body of the dialect": ("S2", REFUSED._replace(arrivals=((10.0, b"Bad Gateway"),))),
    "Anthropic's event under a wrong name": (
        "S2",
        case(ANTHROPIC_ERROR.replace(b"event: error", b"event: oops"), wire="anthropic", upstreams=(upstream(0, ""),)),
    ),
    "the upstream stays open": ("S3", left_after(upstream(9, "", ended=None))),
    "the upstream is closed late": (
        "S3",
        left_after(upstream(9, "", ended=None, closed=("peer", 16.5))),
    ),
    "a terminator that nobody sent": (
        "S5",
        case(*content(0, 1), DONE, upstreams=(upstream(2, "", ended=("fin", 19.0)),)),
    ),
    "a clean end without a word": ("S5", case(*content(0, 1), upstreams=(upstream(2, ""),))),
    "a torn end without a word": ("S5", case(*content(0, 1), how="torn", upstreams=(upstream(2, ""),))),
    "half a body as a whole": (
        "S5",
        WHOLE._replace(upstreams=(SPOKE._replace(emissions=()),), arrivals=((10.0, b"{}"),)),
    ),
    "a torn whole answer": ("S5", WHOLE._replace(how="torn", arrivals=((10.0, WHOLE_BODY[:9]),))),
    "another's text": ("S9", case(*content(0), *content(1, nonce=OTHER), DONE)),
    "another's name in a header": ("S9", GOOD._replace(headers=(*SSE, ("x-model", f"m.{OTHER}")))),
    "silence": ("S10", case(*content(0, 1, 2), DONE, asked_s=-9.0)),
    "silence without even a head": ("S10", case(status=0, headers=(), how="late", asked_s=0.0)),
    "numbered events": ("S10", case(b"id: 1\n" + content(0)[0], *content(1, 2), DONE)),
    "a second request spoke": ("C7", GOOD._replace(upstreams=(upstream(), upstream(request=2)))),
    "a second request after text": (
        "C7",
        FAILED._replace(upstreams=(*FAILED.upstreams, upstream(0, "", request=2, accepted_s=15.0))),
    ),
    "a trace": (
        "X4",
        REFUSED._replace(
            arrivals=((10.0, b'{"error": {"message": "Traceback (most recent call last)", "type": "x"}}'),)
        ),
    ),
    "a word of the provider's page": (
        "X4",
        REFUSED._replace(arrivals=((10.0, b'{"error": {"message": "gpu-17 fell over", "type": "x"}}'),)),
    ),
    "a path in an error event": (
        "X4",
        case(*content(0), ERROR.replace(b"It", b"/usr/lib/x"), upstreams=(upstream(1, ""),)),
    ),
}


@pytest.mark.parametrize("what", BREACHES)
def test_a_breach_is_named_first(what: str) -> None:
    promise, broken = BREACHES[what]
    assert told(broken)[:1] == [promise]


def test_an_upstream_closed_in_time_or_already_over_is_no_breach() -> None:
    for facts in ({"closed": ("peer", 15.9), "ended": None}, {"ended": ("clean", 14.0)}):
        assert told(left_after(upstream(3, "", **facts))) == []
    asked_late = upstream(0, "", accepted_s=99.5, ended=None)
    assert told(left_after(asked_late)._replace(arrivals=())) == []


def test_memory_counts_per_stalled_client() -> None:
    samples = (Sample(1.0, 100 << 20, 0), Sample(2.0, (100 << 20) + 10 * 200 * 1024, 10))
    assert told(samples=samples) == []
    assert told(samples=(samples[0], Sample(2.0, (100 << 20) + 10 * 300 * 1024, 10))) == ["S6"]


def test_a_client_that_reads_nothing_is_not_waited_for_for_ever() -> None:
    stalled = case(
        *content(0),
        stalled_s=30.0,
        how="left",
        ended_s=90.0,
        upstreams=(upstream(3, "", ended=None, closed=("peer", 90.1)),),
    )
    assert told(stalled) == []
    assert told(stalled, limits=Limits(write_timeout_s=30.0)) == ["S6"]


@pytest.mark.parametrize(("status", "took_s", "broken"), [(200, 0.09, []), (200, 0.11, ["S7"]), (0, 0.0, ["S7"])])
def test_the_worker_must_answer_in_time(status: int, took_s: float, broken: list[str]) -> None:
    assert told(probes=(Probe(1.0, "/health", status, took_s),)) == broken


DRAINED: dict[str, Any] = {"signalled_s": 15.0, "exited": (0, 22.0), "probes": (Probe(16.0, "/ready", 503, 0.0),)}


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ({}, []),
        ({"probes": (Probe(16.0, "/ready", 0, 0.0),)}, []),
        ({"probes": (Probe(14.0, "/ready", 200, 0.0),)}, []),
        ({"probes": (Probe(15.5, "/ready", 200, 0.0),)}, []),
        ({"probes": (Probe(16.5, "/ready", 200, 0.0),)}, ["S8"]),
        ({"exited": (1, 22.0)}, ["S8"]),
        ({"exited": (0, 60.0)}, ["S8"]),
        ({"exited": None}, ["S8"]),
    ],
)
def test_a_drain_ends_in_order(change: dict[str, Any], broken: list[str]) -> None:
    assert told(GOOD, **{**DRAINED, **change}) == broken


def test_a_drain_does_not_cut_streams() -> None:
    cut = case(*content(0, 1), how="torn", upstreams=(upstream(2, ""),))
    assert told(cut, **DRAINED)[0] == "S8"
    assert told(GOOD._replace(ended_s=None, how="running"), **DRAINED)[0] == "S8"
    assert told(FAILED, **DRAINED) == []


@pytest.mark.parametrize(
    ("found", "broken"),
    [
        ([("call_1", "ok")], []),
        ([], ["C8"]),
        ([("call_1", "ok"), ("call_1", "ok")], ["C8"]),
        ([("call_1", "cancelled")], ["C8"]),
    ],
)
def test_every_call_has_one_outcome_and_the_one_the_client_saw(found: list[tuple[str, str]], broken: list[str]) -> None:
    assert told(GOOD, outcomes={NONCE: found}) == broken


def test_the_verdict_names_the_first_and_counts_the_rest() -> None:
    violations = judge(evidence(case(*content(0, 2), DONE, DONE), case(DONE, nonce=OTHER, upstreams=())))
    assert verdict(violations).startswith(f"broken: S1 {NONCE}: at character ")
    assert verdict(violations).endswith("(and 1 S2)")
    assert verdict([]) == ""


def test_every_promise_is_tried() -> None:
    assert set(PROMISES) == {*(promise for promise, _ in BREACHES.values()), "S6", "S7", "S8", "C8"}


def test_the_records_are_joined_by_nonce() -> None:
    asked = {"event": "asked", "at_s": 1.0, "nonce": NONCE, "wire": "openai", "stream": True, "fault": "none"}
    history = [
        asked,
        {
            "event": "head",
            "at_s": 2.0,
            "nonce": NONCE,
            "status": 200,
            "headers": [["content-type", "text/event-stream"]],
        },
        {"event": "got", "at_s": 3.0, "nonce": NONCE, "data": "\u00e2"},
        {"event": "ended", "at_s": 4.0, "nonce": NONCE, "how": "complete"},
        {"event": "probe", "at_s": 5.0, "path": "/health", "status": 200, "took_s": 0.5},
        {**asked, "nonce": OTHER},
    ]
    accepted = {"event": "accepted", "at_s": 1.5, "request": 7, "connection": 3, "nonce": NONCE, "leaks": ["x"]}
    journal = [
        {"event": "connected", "at_s": 1.4},
        accepted,
        {"event": "emitted", "at_s": 1.6, "request": 7, "kind": "content", "text": "a", "lane": "0"},
        {"event": "ended", "at_s": 1.8, "request": 7, "how": "clean"},
        {"event": "closed", "at_s": 9.0, "request": None, "connection": 3, "by": "peer"},
    ]
    log = [
        f"2026 DEBUG call call_ab gen_ai.request.model='row/none.{NONCE}' tallygate.status='ok' duration_ms=3",
        "else",
    ]
    joined = gather(history, journal, log, 10.0)
    first, second = joined.cases
    assert (first.nonce, first.status, first.body, first.how, first.ended_s) == (NONCE, 200, b"\xe2", "complete", 4.0)
    assert (second.nonce, second.how, second.upstreams) == (OTHER, "running", ())
    assert [u.request for u in first.upstreams] == [7]
    assert (first.upstreams[0].text(), first.upstreams[0].ended, first.upstreams[0].closed) == (
        "a",
        ("clean", 1.8),
        None,
    )
    assert joined.probes == (Probe(5.0, "/health", 200, 0.5),)
    assert joined.outcomes == {NONCE: [("call_ab", "ok")]}
