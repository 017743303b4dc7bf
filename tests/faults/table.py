"""Every fault of the hostile provider in one table: what it does, and how the call must end for the client.

The page docs/reference/faults.md is written from this table, and the campaign holds the gateway to it. An ending is
`served` (200, complete), a refusal (an error status with its code), or broken (a stream that began and ends in an error
event with that code, without a terminator).
"""

from typing import Literal, NamedTuple

from tests.faults import wrong_bodies as bodies
from tests.faults import wrong_heads as heads
from tests.faults import wrong_streams as streams
from tests.faults.exchange import Behaviour, behave

Weight = Literal["light", "bytes", "seconds"]

BOTH = ("openai", "anthropic")
OPENAI = ("openai",)
ANTHROPIC = ("anthropic",)


class Ending(NamedTuple):
    """How a call ends for its client. `status` and `code` are those of the gateway's own error."""

    kind: str
    status: int = 200
    code: str = ""


SERVED = Ending("served")
REJECTED = Ending("refused", 400, "provider_rejected")
TOO_LARGE = Ending("refused", 413, "payload_too_large")
ERROR = Ending("refused", 502, "provider_error")
UNREACHABLE = Ending("refused", 502, "provider_unreachable")
REFUSED_US = Ending("refused", 502, "provider_refused_gateway")
INVALID = Ending("refused", 502, "invalid_provider_answer")
BROKEN = Ending("refused", 502, "stream_broken")
OVERLOADED = Ending("refused", 503, "overloaded")
TIMEOUT = Ending("refused", 504, "timeout")
STREAM_BROKEN = Ending("broken", 200, "stream_broken")
STREAM_INVALID = Ending("broken", 200, "invalid_provider_answer")
STREAM_ERROR = Ending("broken", 200, "provider_error")
STREAM_OVERLOADED = Ending("broken", 200, "overloaded")
STREAM_TIMEOUT = Ending("broken", 200, "timeout")


ANTHROPIC_WORDS = {
    "provider_rejected": "invalid_request_error",
    "payload_too_large": "request_too_large",
    "overloaded": "overloaded_error",
    "timeout": "timeout_error",
}
"""Anthropic's clients are told a type instead of a code; what is not here is an `api_error`."""


def told(ending: Ending, wire: str) -> Ending:
    """An ending in the words of a client's dialect."""
    if wire == "openai" or ending.kind == "served":
        return ending
    status = 529 if ending.status == 503 else ending.status
    return Ending(ending.kind, status, ANTHROPIC_WORDS.get(ending.code, "api_error"))


class Fault(NamedTuple):
    """One fault. `whole` and `stream` are how either kind of call ends; None where the fault has no meaning.

    `door` names the provider's port it lives on, `wires` the dialects that have it. `weight` is what it costs to try:
    little, megabytes, or half a minute. `also` is how it may end as well, if nothing had been passed on yet.
    `verbatim` is how it ends where client and provider speak the same dialect.
    """

    group: str
    says: str
    whole: Ending | None
    stream: Ending | None
    behaviour: Behaviour = behave
    door: str = "lab"
    wires: tuple[str, ...] = BOTH
    weight: Weight = "light"
    also: Ending | None = None
    verbatim: Ending | None = None


def same(group: str, says: str, ending: Ending, behaviour: Behaviour, *, weight: Weight = "light") -> Fault:
    """A fault that ends a whole answer and a stream alike."""
    return Fault(group, says, ending, ending, behaviour, weight=weight)


def shape(
    says: str, ending: Ending, behaviour: Behaviour, wires: tuple[str, ...] = BOTH, *, weight: Weight = "light"
) -> Fault:
    """A fault that only a stream can have."""
    return Fault("stream", says, None, ending, behaviour, wires=wires, weight=weight)


def at_door(door: str, says: str, ending: Ending) -> Fault:
    """A fault of the connection."""
    return Fault("connect", says, ending, ending, door=door)


_STATUS_ENDINGS = {
    **dict.fromkeys((401, 403), REFUSED_US),
    **dict.fromkeys((400, 422), REJECTED),
    413: TOO_LARGE,
    **dict.fromkeys((408, 504, 524), TIMEOUT),
    **dict.fromkeys((429, 503, 529), OVERLOADED),
    **dict.fromkeys((404, 409, 500, 502, 520, 521, 522, 523, 525, 526), ERROR),
}
_RETRY_AFTER = {
    "zero": "0",
    "negative": "-1",
    "huge": "99999999999",
    "past": "Wed, 21 Oct 2015 07:28:00 GMT",
    "text": "soon",
}

FAULTS: dict[str, Fault] = {
    "none": same("none", "nothing wrong", SERVED, behave),
    "refuse": at_door("refuse", "nothing listens", UNREACHABLE),
    "blackhole": at_door("blackhole", "the connection is never accepted", TIMEOUT),
    "accept-close": at_door("accept-close", "the connection is accepted and closed", UNREACHABLE),
    "accept-silence": at_door("accept-silence", "the connection is accepted and never read", TIMEOUT),
    "tls-to-plain": at_door("tls-to-plain", "no TLS where TLS is expected", UNREACHABLE),
    "tls-untrusted": at_door("tls-untrusted", "a certificate that nobody vouches for", UNREACHABLE),
    "close-unanswered": same("connect", "hangs up after the request", UNREACHABLE, heads.close_unanswered),
    "reset-unanswered": same("connect", "resets the connection after the request", UNREACHABLE, heads.reset_unanswered),
    **{
        f"status-{status}": same("status", f"answers {status}", _STATUS_ENDINGS[status], heads.fail_with(status))
        for status in sorted(_STATUS_ENDINGS)
    },
    "status-400-plain": same("status", "answers 400 with a harmless sentence", REJECTED, heads.refuse_plainly),
    **{
        f"retry-after-{name}": same("status", f"answers 429 with `retry-after: {value}`", OVERLOADED,
                                    heads.fail_with(429, ("retry-after", value)))
        for name, value in _RETRY_AFTER.items()
    },
    **{f"status-{status}": same("status", f"answers {status} to elsewhere", ERROR, heads.redirect_with(status))
       for status in (301, 302, 307)},
    **{f"status-{status}": same("status", f"answers {status} with a body", INVALID,
                                heads.bodiless_with(status)) for status in (204, 304)},
    "interim-flood": same("status", "answers 103 a hundred times, then well", SERVED, heads.flood_interim),
    "echo-request": same("status", "answers 400 and repeats our headers, key included", REJECTED, heads.echo_request),
    "no-headers": same("headers", "a status line alone, a body until the connection closes", SERVED, heads.bare_head),
    "many-headers": same("headers", "ten thousand headers", INVALID, heads.many_headers),
    "huge-header": same("headers", "a header of a megabyte", INVALID, heads.huge_header),
    "two-lengths": same("headers", "two different lengths", INVALID,
                        heads.framed_with(("content-length", "3"), ("content-length", "5"))),
    "length-and-chunks": same("headers", "a length and chunks at once", INVALID,
                              heads.framed_with(("content-length", "3"), ("transfer-encoding", "chunked"))),
    "negative-length": same("headers", "a negative length", INVALID, heads.framed_with(("content-length", "-1"))),
    "long-length": same("headers", "a length beyond the body", BROKEN, heads.framed_with(("content-length", "99999"))),
    "short-length": same("headers", "a length below the body", INVALID, heads.short_length),
    "bad-chunk": Fault("headers", "a chunk whose size is no number", BROKEN, STREAM_BROKEN, heads.bad_chunk,
                       also=INVALID),
    "odd-header": same("headers", "a header with bytes beyond ASCII", SERVED, heads.with_headers(("x-lab", "caf\xe9"))),
    "set-cookie": same("headers", "a cookie, which does not reach the client", SERVED,
                       heads.with_headers(("set-cookie", "lab=1"), ("x-lab-host", "gpu-17.cluster.internal"))),
    "hop-by-hop": same("headers", "headers that are for one hop only", SERVED,
                       heads.with_headers(("keep-alive", "timeout=1"), ("proxy-authenticate", "Basic"))),
    "ancient": same("headers", "a page without any head", INVALID, heads.ancient),
    "not-http": same("headers", "another protocol", INVALID, heads.not_http),
    "surplus": same("headers", "a second answer that nobody asked for", SERVED, heads.surplus),
    "empty": same("body", "no body", INVALID, bodies.empty),
    "truncated": same("body", "JSON that breaks off, its length being right", INVALID, bodies.truncated),
    "html": same("body", "a web page with status 200", INVALID, bodies.html_page),
    "html-as-json": same("body", "a web page that claims to be JSON", INVALID, bodies.html_as_json),
    "charset": same("body", "JSON in Latin-1", INVALID, bodies.other_charset),
    "bad-utf8": same("body", "JSON that is not UTF-8", INVALID, bodies.bad_utf8),
    "gzip": same("body", "compressed without being asked", INVALID, bodies.gzip_announced),
    "gzip-unannounced": same("body", "compressed without a word", INVALID, bodies.gzip_unannounced),
    "gzip-bomb": same("body", "64 MiB in a few bytes", INVALID, bodies.gzip_bomb),
    "gzip-lie": same("body", "said to be compressed, and is not", INVALID, bodies.gzip_lie),
    "spaces": same("body", "160 MiB of blanks", INVALID, bodies.spaces, weight="bytes"),
    "deep": same("body", "JSON nested 100,000 deep", INVALID, bodies.deep),
    "nan": same("body", "JSON with `NaN` in it", INVALID, bodies.not_a_number),
    "list": same("body", "a list instead of an object", INVALID, bodies.lone_list),
    "failure-inside": same("body", "an error object with status 200", ERROR, bodies.failure_inside),
    "null-field": same("body", "`choices` or `content` is null", INVALID, bodies.changed(bodies.put(None))),
    "no-field": same("body", "`choices` or `content` is missing", INVALID, bodies.changed(bodies.drop)),
    "text-field": same("body", "`choices` or `content` is a number", INVALID, bodies.changed(bodies.put(5))),
    "strange-choice": Fault("body", "a choice of no known shape", INVALID, INVALID,
                            bodies.changed(bodies.add_stranger), wires=OPENAI),
    "strange-block": Fault("body", "a content block of no known type", INVALID, INVALID,
                           bodies.changed(bodies.add_stranger, sound=True), wires=ANTHROPIC, verbatim=SERVED),
    "no-last-blank": shape("no blank line after the last event", SERVED, streams.no_last_blank),
    "crlf": shape("lines end in CR LF", SERVED, streams.crlf),
    "cr": shape("lines end in CR", SERVED, streams.cr),
    "mixed-ends": shape("lines end now so, now so", SERVED, streams.mixed),
    "bom": shape("a byte order mark first", SERVED, streams.byte_order_mark),
    "no-space": shape("no blank after `data:`", SERVED, streams.no_space),
    "multi-line": shape("one event over many data lines", SERVED, streams.multi_line),
    "comments": shape("a comment before each event", SERVED, streams.with_comments),
    "ids": shape("`id:` and `retry:` fields", SERVED, streams.with_ids),
    "only-comments": shape("comments and a clean end", BROKEN, streams.only_comments),
    "no-event": shape("a clean end at once", BROKEN, streams.no_event),
    "split": shape("every byte in a chunk of its own", SERVED, streams.split_everywhere),
    "big-event": shape("one event of 5 MiB", SERVED, streams.one_event(streams.BIG_EVENT_BYTES), weight="bytes"),
    "too-big-event": Fault("stream", "one event of 9 MiB", None, STREAM_INVALID,
                           streams.one_event(streams.TOO_BIG_EVENT_BYTES), weight="bytes", also=INVALID),
    "many-events": shape("100,000 events of one character", SERVED, streams.many_events, weight="bytes"),
    "no-terminator": shape("a finish reason, no terminator, and a clean end", SERVED, streams.no_terminator, OPENAI),
    "no-stop": shape("a stop reason, no terminator, and a clean end", STREAM_BROKEN, streams.no_terminator, ANTHROPIC),
    "two-terminators": shape("the terminator twice", SERVED, streams.two_terminators),
    "talk-after-end": shape("more text after the terminator", SERVED, streams.talk_after_end),
    "two-lanes": shape("two choices although one was asked for", SERVED, streams.two_lanes, OPENAI),
    "role-twice": shape("the opening twice", SERVED, streams.role_twice, OPENAI),
    "torn-tools": shape("pieces of two tool calls in turn", SERVED, streams.torn_tool_calls, OPENAI),
    "failure-first": shape("an error event and nothing else", ERROR, streams.failing_first),
    "failure-0": Fault("stream", "an error event before any text", None, STREAM_ERROR,
                       streams.failing_after(0, "api_error"), also=ERROR),
    "failure-3": shape("an error event after three tokens", STREAM_ERROR, streams.failing_after(3, "api_error")),
    "overloaded-3": shape("overloaded after three tokens", STREAM_OVERLOADED,
                          streams.failing_after(3, "overloaded_error")),
    "named-failure": shape("`event: error` on a wire without names", STREAM_ERROR, streams.failure_by_name, OPENAI),
    "failure-then-end": shape("an error event, then the terminator", STREAM_ERROR, streams.failure_then_end),
    "garbled-json": shape("an event with broken JSON", STREAM_INVALID, streams.garbled(b'data: {"broken": \n\n')),
    "garbled-utf8": shape("an event that is not UTF-8", STREAM_INVALID,
                          streams.garbled(b'data: {"id": "\xff\xfe"}\n\n')),
    "garbled-type": shape("an event that is a number", STREAM_INVALID, streams.garbled(b"data: 17\n\n")),
    "garbled-lines": shape("lines that are no event", SERVED, streams.garbled(b"hello\nworld\n\n")),
    "pings": shape("signs of life for a second, then an answer", SERVED, streams.pings_then_answer),
    "pings-for-ever": shape("signs of life and nothing else", TIMEOUT, streams.pings_for_ever),
    "late-head": same("time", "a pause before the head", SERVED, heads.begin_late),
    "silence": same("time", "never answers", TIMEOUT, heads.stay_silent),
    "stall": Fault("time", "falls silent in the middle", TIMEOUT, STREAM_TIMEOUT, streams.stall),
    "quiet-head": same("time", "says nothing for 35 seconds, then answers", SERVED, heads.begin_very_late,
                       weight="seconds"),
    "quiet-middle": Fault("time", "is silent for 35 seconds in the middle", None, SERVED, streams.pause,
                          weight="seconds"),
    "crawl": Fault("time", "a pause before every token", None, SERVED, streams.crawl),
    "burst": Fault("time", "5,000 tokens in one write", None, SERVED, streams.burst),
    "end-late": Fault("time", "the terminator, and a body that does not end", None, SERVED, streams.end_late),
    "cut-0": Fault("time", "hangs up after the head", BROKEN, BROKEN, streams.cut_after(0, "fin")),
    "cut-3": Fault("time", "hangs up after three tokens", BROKEN, STREAM_BROKEN, streams.cut_after(3, "fin")),
    "cut-last": Fault("time", "hangs up before the terminator", None, STREAM_BROKEN, streams.cut_after(None, "fin")),
    "short-3": Fault("time", "ends the body after three tokens", None, STREAM_BROKEN, streams.cut_after(3, "clean")),
    "reset-0": Fault("time", "resets after the head", BROKEN, BROKEN, streams.cut_after(0, "reset")),
    "reset-3": Fault("time", "resets after three tokens", BROKEN, STREAM_BROKEN, streams.cut_after(3, "reset")),
    "reset-last": Fault("time", "resets before the terminator", None, STREAM_BROKEN, streams.cut_after(None, "reset")),
    "usage-absent": same("usage", "no counts", SERVED, bodies.uncounted),
    "usage-zero": same("usage", "counts of zero", SERVED, bodies.counted(0, 0)),
    "usage-negative": same("usage", "negative counts", SERVED, bodies.counted(-5, -7)),
    "usage-fraction": same("usage", "counts with a fraction", SERVED, bodies.counted(3.5, 8.25)),
    "usage-text": same("usage", "counts as text", SERVED, bodies.counted("3", "8")),
    "usage-null": same("usage", "counts that are null", SERVED, bodies.counted(None, None)),
    "usage-huge": same("usage", "counts beyond any model", SERVED, bodies.counted(10**12, 10**12)),
    "usage-too-few": same("usage", "fewer tokens than were sent", SERVED, bodies.counted(3, 1)),
    "usage-contradiction": same("usage", "a total below its parts", SERVED, bodies.counted(3, 8, total_tokens=1)),
    "usage-cached": same("usage", "more cached than there is", SERVED,
                         bodies.counted(3, 8, cache_read_input_tokens=99, prompt_tokens_details={"cached_tokens": 99})),
    "usage-cumulative": Fault("usage", "counts so far in every event", None, SERVED,
                              bodies.counted_each(lambda place: place), wires=OPENAI),
    "usage-incremental": Fault("usage", "counts of one in every event", None, SERVED,
                               bodies.counted_each(lambda place: 1), wires=OPENAI),
    "usage-trailers": same("usage", "counts in a trailer only", SERVED, bodies.counted_in_trailers),
    "other-model": same("identity", "another model's name", SERVED, bodies.renamed(model="gpt-lab-small")),
    "same-id": same("identity", "the same id for every answer", SERVED, bodies.renamed(id="lab-1")),
    "odd-id": same("identity", "an id with control characters", SERVED, bodies.renamed(id="lab\r\n\x00\x1b[2J-1")),
    "flood": Fault("time", "tokens without end and without a pause", None, None, streams.flood),
    "trickle": Fault("time", "tokens without end", None, None, streams.trickle),
}  # fmt: skip
"""By name, which is the first part of the model that is asked for. `flood` and `trickle` never end; they serve other
campaigns.
"""
