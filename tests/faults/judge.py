"""The judge: reads the evidence of a campaign and says which promise was broken first, and what shows it.

A promise is a pure function from the evidence to violations. The judge knows nothing of how a gateway works and takes
nobody's word but the records'. The promises' numbers are the campaign's own names for them; each docstring is one.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from tests.faults.evidence import Case, Evidence, Upstream, nonces_in
from tests.faults.hearing import Heard, hear_error, hear_stream, hear_whole


class Violation(NamedTuple):
    """A broken promise, whose call shows it (empty: nobody's in particular), and a sentence with the evidence."""

    promise: str
    nonce: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.promise} {self.nonce or '-'}: {self.sentence}"


class Limits(NamedTuple):
    """What the promises are measured by."""

    cancel_s: float = 1.0
    silence_s: float = 15.0
    slack_s: float = 1.0
    probe_s: float = 0.1
    stalled_bytes: int = 256 * 1024
    write_timeout_s: float | None = None
    drain_s: float = 30.0


Promise = Callable[[Evidence, Limits], Iterable[Violation]]


def hear(case: Case) -> Heard:
    """What the client of a stream heard."""
    return hear_stream(case.wire, case.body)


def succeeded(case: Case) -> bool:
    """Whether the client takes the answer for complete."""
    if case.how not in ("complete", "left", "torn") or case.status != 200:
        return False
    if case.streamed:
        return hear(case).terminators > 0
    return case.how == "complete"


def s1(evidence: Evidence, limits: Limits) -> Iterator[Violation]:
    """Bytes in order, once: the delivered text is a prefix of what the provider emitted, and all of it on success."""
    for case in evidence.cases:
        if case.status != 200 or not case.upstreams:
            continue
        texts = hear(case).texts if case.streamed else hear_whole(case.wire, case.body)
        if texts is None:
            continue
        if case.streamed and "\ufffd" in case.body.decode("utf-8", errors="ignore"):
            yield Violation("S1", case.nonce, "a character was replaced")
        source = _source_of(case)
        for lane, text in texts.items():
            emitted = source.text(lane)
            if "tool" in lane:
                continue
            if not emitted.startswith(text):
                place = next(
                    (i for i, pair in enumerate(zip(text, emitted, strict=False)) if len(set(pair)) > 1), len(emitted)
                )
                yield Violation(
                    "S1", case.nonce, f"at character {place} the client got {text[place : place + 24]!r}, "
                    f"request {source.request} emitted {emitted[place : place + 24]!r}"
                )  # fmt: skip
            elif succeeded(case) and text != emitted and source.sound:
                yield Violation(
                    "S1", case.nonce, f"{len(text)} of {len(emitted)} characters were delivered as the whole"
                )


def s2(evidence: Evidence, limits: Limits) -> Iterator[Violation]:
    """One terminator on success; on failure one error event and no terminator; nothing after either."""
    for case in evidence.cases:
        if not case.streamed:
            if (
                case.status
                and case.status != 200
                and case.how == "complete"
                and hear_error(case.wire, case.body) is None
            ):
                yield Violation("S2", case.nonce, f"status {case.status} without an error body: {case.body[:80]!r}")
            continue
        heard = hear(case)
        if heard.terminators > 1:
            yield Violation("S2", case.nonce, f"{heard.terminators} terminators")
        if len(heard.errors) > 1:
            yield Violation("S2", case.nonce, f"{len(heard.errors)} error events")
        if heard.errors and heard.terminators:
            yield Violation("S2", case.nonce, f"an error event and a terminator: {case.body[-160:]!r}")
        elif heard.after_end and heard.terminators <= 1 and len(heard.errors) <= 1:
            yield Violation("S2", case.nonce, f"{heard.after_end} events after the end: {case.body[-160:]!r}")
        for odd in heard.odd:
            yield Violation("S2", case.nonce, odd)


def s3(evidence: Evidence, limits: Limits) -> Iterator[Violation]:
    """A client that leaves is felt: its upstream connection is closed in time."""
    for case in evidence.cases:
        if case.how != "left" or case.ended_s is None:
            continue
        for upstream in case.upstreams:
            due_s = max(case.ended_s, upstream.accepted_s) + limits.cancel_s
            over_s = min((at_s for _, at_s in filter(None, (upstream.ended, upstream.closed))), default=None)
            if over_s is None and evidence.until_s > due_s:
                lasted_s = evidence.until_s - case.ended_s
                yield Violation(
                    "S3", case.nonce, f"request {upstream.request} still open {lasted_s:.2f} s after its client left"
                )
            elif over_s is not None and over_s > due_s:
                lasted_s = over_s - case.ended_s
                yield Violation(
                    "S3", case.nonce, f"request {upstream.request} closed {lasted_s:.2f} s after its client left"
                )


def s5(evidence: Evidence, limits: Limits) -> Iterator[Violation]:
    """A loss upstream is told: an error, never a false end and never silence."""
    for case in evidence.cases:
        if case.how not in ("complete", "torn"):
            continue
        if succeeded(case) and case.upstreams and not any(upstream.sound for upstream in case.upstreams):
            kinds = [e.kind for e in _source_of(case).emissions]
            yield Violation("S5", case.nonce, f"a false end: the provider emitted {_count(kinds)} and no sound end")
        if case.streamed:
            heard = hear(case)
            if not heard.terminators and not heard.errors:
                yield Violation(
                    "S5",
                    case.nonce,
                    f"the stream ended ({case.how}) with neither terminator nor error event: {case.body[-120:]!r}",
                )
        elif case.how == "torn":
            yield Violation("S5", case.nonce, f"the connection ended inside an answer with status {case.status}")


def s6(evidence: Evidence, limits: Limits) -> Iterator[Violation]:
    """Bounded buffers: memory per client that stopped reading, and an end to waiting for it."""
    idle = [sample.rss_bytes for sample in evidence.samples if not sample.stalled]
    busy = [sample for sample in evidence.samples if sample.stalled]
    if idle and busy:
        worst = max(busy, key=lambda sample: sample.rss_bytes / sample.stalled)
        growth = (worst.rss_bytes - max(idle)) / worst.stalled
        if growth > limits.stalled_bytes:
            yield Violation("S6", "", f"{growth / 1024:.0f} KiB of memory for each of {worst.stalled} stalled clients")
    if limits.write_timeout_s is None:
        return
    for case in evidence.cases:
        if case.stalled_s is None:
            continue
        due_s = case.stalled_s + limits.write_timeout_s + limits.slack_s
        for upstream in case.upstreams:
            closed_s = upstream.closed[1] if upstream.closed else evidence.until_s
            if closed_s > due_s:
                lasted_s = closed_s - case.stalled_s
                yield Violation(
                    "S6",
                    case.nonce,
                    f"request {upstream.request} was held open {lasted_s:.1f} s for a client that read nothing",
                )


def s7(evidence: Evidence, limits: Limits) -> Iterator[Violation]:
    """The worker stays alive: /health answers in time throughout."""
    for probe in evidence.probes:
        if probe.path != "/health" or (evidence.signalled_s is not None and probe.at_s > evidence.signalled_s):
            continue
        if probe.status != 200:
            yield Violation("S7", "", f"/health answered {probe.status or 'nothing'}")
        elif probe.took_s > limits.probe_s:
            yield Violation("S7", "", f"/health took {probe.took_s * 1000:.0f} ms")


def s8(evidence: Evidence, limits: Limits) -> Iterator[Violation]:
    """Drain: no longer ready at once, streams end or say why not by the deadline, exit 0."""
    signalled_s = evidence.signalled_s
    if signalled_s is None:
        return
    due_s = signalled_s + limits.drain_s + limits.slack_s
    for probe in evidence.probes:
        if probe.path == "/ready" and probe.at_s > signalled_s + limits.cancel_s and probe.status == 200:
            yield Violation("S8", "", f"/ready answered 200 {probe.at_s - signalled_s:.2f} s after the signal")
    for case in evidence.cases:
        if case.how == "left" or (case.ended_s is not None and case.ended_s < signalled_s):
            continue
        if case.ended_s is None or case.ended_s > due_s:
            yield Violation("S8", case.nonce, "a call outlived the drain")
        elif case.streamed and not hear(case).terminators and not hear(case).errors:
            yield Violation("S8", case.nonce, f"a stream was cut without a word: {case.body[-80:]!r}")
    if evidence.exited is None:
        if evidence.until_s > due_s:
            yield Violation("S8", "", f"still running {evidence.until_s - signalled_s:.1f} s after the signal")
        return
    code, at_s = evidence.exited
    if at_s > due_s:
        yield Violation("S8", "", f"exited {at_s - signalled_s:.1f} s after the signal")
    if code != 0:
        yield Violation("S8", "", f"exited with {code}")


def s9(evidence: Evidence, limits: Limits) -> Iterator[Violation]:
    """No cross-talk: nobody ever gets a byte of another call."""
    for case in evidence.cases:
        head = "\n".join(f"{name}: {value}" for name, value in case.headers).encode("latin-1", errors="replace")
        for stranger in sorted(nonces_in(head + case.body) - {case.nonce}):
            at = case.body.find(stranger.encode())
            yield Violation(
                "S9", case.nonce, f"bytes of {stranger} at byte {at}: {case.body[max(at - 20, 0) : at + 40]!r}"
            )


def s10(evidence: Evidence, limits: Limits) -> Iterator[Violation]:
    """Heartbeat: a stream is never silent for longer than the limit, and no event bears an `id:` of ours."""
    for case in evidence.cases:
        if not case.stream or case.stalled_s is not None or (case.status and not case.streamed):
            continue
        end_s = case.ended_s if case.ended_s is not None else evidence.until_s
        times = [case.asked_s, *(at_s for at_s, _ in case.arrivals), end_s]
        gap_s, since_s = max(((late - early, early) for early, late in pairwise(times)), default=(0.0, 0.0))
        if gap_s > limits.silence_s + limits.slack_s:
            yield Violation(
                "S10", case.nonce, f"{gap_s:.2f} s of silence, {since_s - case.asked_s:.2f} s into the call"
            )
        if case.streamed and case.fault != "ids" and (ids := hear(case).ids):
            yield Violation("S10", case.nonce, f"{ids} `id:` fields that the provider never sent")


def c7(evidence: Evidence, limits: Limits) -> Iterator[Violation]:
    """No retry after the first byte: what was delivered came from one request, and none was made after it."""
    for case in evidence.cases:
        if case.status != 200 or not _spoken(case):
            continue
        speakers = [upstream.request for upstream in case.upstreams if upstream.spoke]
        if len(speakers) > 1:
            yield Violation("C7", case.nonce, f"requests {speakers} all emitted text for one call")
        first_s = _first_text_s(case)
        for upstream in case.upstreams:
            if first_s is not None and upstream.accepted_s > first_s:
                late_s = upstream.accepted_s - first_s
                yield Violation(
                    "C7", case.nonce, f"request {upstream.request} was made {late_s:.2f} s after the client had text"
                )


def c8(evidence: Evidence, limits: Limits) -> Iterator[Violation]:
    """One outcome: every call that reached a provider has exactly one in the log, and it is what the client saw."""
    if evidence.outcomes is None:
        return
    for case in evidence.cases:
        found = evidence.outcomes.get(case.nonce, [])
        if case.ended_s is None or evidence.until_s < case.ended_s + limits.cancel_s:
            continue
        if len(found) > 1:
            yield Violation("C8", case.nonce, f"{len(found)} outcomes: {found}")
        elif not found and case.upstreams:
            yield Violation("C8", case.nonce, "a call that reached the provider has no outcome")
        elif found and case.how == "complete":
            said, seen = found[0][1], succeeded(case)
            if (said == "ok") != seen:
                yield Violation(
                    "C8", case.nonce, f"the log says {said}, the client saw {'success' if seen else 'failure'}"
                )


FORBIDDEN = {
    "a stack trace": re.compile(r"Traceback \(most recent call last\)|File \"[^\"]+\", line \d+"),
    "a library's name": re.compile(
        r"\b(aiohttp|asyncio|httptools|msgspec|psycopg|sqlalchemy|sqlite3?|uvicorn|uvloop|yarl)\b", re.IGNORECASE
    ),
    "SQL": re.compile(r"\b(SELECT .+ FROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM)\b"),
    "a path": re.compile(r"(?<![\w.:/])/(bin|etc|home|opt|proc|srv|tmp|usr|var)/\w"),
    "an address": re.compile(r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b|\blocalhost\b"),
    "a page": re.compile(r"<html|<!doctype", re.IGNORECASE),
}


def x4(evidence: Evidence, limits: Limits) -> Iterator[Violation]:
    """Errors are ours: no trace, path, host, library or word of the provider's pages in any of them."""
    for case in evidence.cases:
        if case.streamed:
            said = " ".join(str(error) for error in hear(case).errors)
        elif case.status and case.status != 200:
            said = case.body.decode("utf-8", errors="replace")
            said += "\n".join(f"{name}: {value}" for name, value in case.headers)
        else:
            continue
        for what, pattern in FORBIDDEN.items():
            if match := pattern.search(said):
                yield Violation(
                    "X4", case.nonce, f"{what} in an error: {said[max(match.start() - 30, 0) : match.end() + 30]!r}"
                )
        for leak in {leak for upstream in case.upstreams for leak in upstream.leaks}:
            if leak in said:
                yield Violation("X4", case.nonce, f"the provider's {leak!r} in an error")


# What explains other violations stands before them: a stranger's bytes are also wrong text, a drain cuts streams.
PROMISES: dict[str, Promise] = {
    promise.__name__.upper(): promise for promise in (s9, c7, s1, s2, s8, s5, s3, s6, s7, s10, c8, x4)
}


def judge(evidence: Evidence, limits: Limits | None = None) -> list[Violation]:
    """Every violation, in the order of the promises."""
    return [violation for promise in PROMISES.values() for violation in promise(evidence, limits or Limits())]


def verdict(violations: list[Violation]) -> str:
    """The first broken promise with its evidence, and how many more there are; empty if all were kept."""
    if not violations:
        return ""
    first, *more = violations
    counts = _count([violation.promise for violation in more])
    return f"broken: {first}" + (f" (and {counts})" if more else "")


def _count(names: list[str]) -> str:
    return ", ".join(f"{names.count(name)} {name}" for name in dict.fromkeys(names)) or "nothing"


def _source_of(case: Case) -> Upstream:
    """The request an answer came from: the last one that said anything."""
    return next((upstream for upstream in reversed(case.upstreams) if upstream.spoke), case.upstreams[-1])


def _spoken(case: Case) -> bool:
    texts = hear(case).texts if case.streamed else hear_whole(case.wire, case.body)
    return bool(texts)


def _first_text_s(case: Case) -> float | None:
    """When the client had its first text."""
    seen = b""
    for at_s, data in case.arrivals:
        seen += data
        if case.nonce.encode() + b":" in seen:
            return at_s
    return None
