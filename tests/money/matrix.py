"""The money matrix: what happens to a call, and what it must come to, in literal nano-USD.

Each row is played through every door, whole and streamed, by a provider of each language, unless it says less. Input
costs 1,000 a token, cached input 100, output 2,000. Every request is 400 bytes long and names a cap of 50 tokens, so
each call holds 756,000: 1,000 for each of 400 bytes and 256 of a template, and 2,000 for each of 50.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple


class Door(NamedTuple):
    """A billable address. `language`: whose request bodies it takes; `error_event`: how a stream's error begins;
    `statuses`: what it has in the place of others; `turns` and `cap`: under which names it takes a conversation, of
    which a prompt is one text, and a cap.
    """

    path: str
    language: str
    error_event: bytes
    statuses: Mapping[int, int] = MappingProxyType({})
    turns: Literal["messages", "input", "prompt"] = "messages"
    cap: str = "max_tokens"


DOORS = {
    "chat": Door("/v1/chat/completions", "openai", b'data: {"error"'),
    "messages": Door("/v1/messages", "anthropic", b"event: error\n"),
    "inference": Door("/v1/inference/chat", "openai", b"event: error\n"),
    "responses": Door("/v1/responses", "openai", b"event: error\n", turns="input", cap="max_output_tokens"),
    "generate": Door("/v1/inference/generate", "openai", b"event: error\n", turns="prompt"),
    "openrouter": Door("/api/v1/chat/completions", "openai", b'data: {"error"', MappingProxyType({503: 529, 504: 524})),
    "run": Door("/v1/run/inference", "openai", b'data: {"error"', MappingProxyType({502: 503, 504: 503})),
}

Client = Literal["stays", "leaves before", "leaves in the middle", "never reads", "nudges", "asks again"]
"""What the client does. It leaves before: while the provider has the request and has not answered; in the middle: when
it has the first word; `nudges`: lets the provider go on when it has the first word.
"""

HELD_NUSD = 756_000


class End(NamedTuple):
    """How a call ends. `http` 0: the client does not hear; `messages_http`: the status at Anthropic's address, if it is
    another one. `sent`: how many requests the provider must have got.
    """

    charged_nusd: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usage_source: str = "provider"
    status: str = "ok"
    http: int = 200
    state: str = "posted"
    loss_nusd: int = 0
    sent: int = 1
    error_code: str = ""
    messages_http: int = 0


class Row(NamedTuple):
    """One row. `ends`: by the provider's language, if that matters. `whole` and `stream`: whether it is played so."""

    name: str
    script: str
    end: End
    anthropic_end: End | None = None
    client: Client = "stays"
    whole: bool = True
    stream: bool = True
    upstreams: tuple[str, ...] = ("openai", "anthropic")
    doors: tuple[str, ...] = ("chat", "messages", "inference", "responses", "generate", "openrouter", "run")
    key: str = ""
    more: Mapping[str, Any] = MappingProxyType({})

    def end_at(self, upstream: str) -> End:
        """What it comes to at a provider of this language."""
        return self.anthropic_end if upstream == "anthropic" and self.anthropic_end is not None else self.end


# 30 of input, 7 of output.
GOOD = End(44_000, 30, 7)
# The input is guessed at 400 / 4 tokens; three words of 8 bytes are 6 tokens.
COUNTED = End(112_000, 100, 6, "counted")
# One word was handed on: 2 tokens. Anthropic's wire has told 30 of input before it.
BROKEN = End(104_000, 100, 2, "counted", "partial", error_code="stream_broken")
BROKEN_AN = End(34_000, 30, 2, "counted", "partial", error_code="stream_broken")
# It has told these very counts before it broke off.
BROKEN_COUNTED = End(34_000, 30, 2, "provider", "partial", error_code="stream_broken")
LEFT = End(104_000, 100, 2, "counted", "cancelled")
LEFT_AN = End(34_000, 30, 2, "counted", "cancelled")


def failed(http: int, code: str, sent: int = 1) -> End:
    """An attempt that costs its caller nothing."""
    return End(0, 0, 0, "counted", "failed", http, sent=sent, error_code=code)


def erring(end: End, code: str = "provider_error") -> End:
    """The same for another reason."""
    return end._replace(error_code=code)


# The stream has begun, and broke off without a word. What was reported until then is told, not charged.
SILENT = End(0, 0, 0, "counted", "partial", error_code="stream_broken")
SILENT_AN = End(0, 30, 1, "provider", "partial", error_code="stream_broken")
UNHEARD_AN = End(0, 30, 1, "provider", "failed", 502, error_code="stream_broken")
UNHEARD = End(0, 0, 0, "counted", "failed", 502, error_code="stream_broken")
FROM_OPENAI: dict[str, Any] = {"upstreams": ("openai",), "doors": ("chat", "messages", "responses")}
ENVELOPED: dict[str, Any] = {"upstreams": ("openai",), "doors": ("inference", "generate", "openrouter", "run")}
SAME_AN: dict[str, Any] = {"upstreams": ("anthropic",), "doors": ("messages", "responses")}
CROSSED_AN: dict[str, Any] = {
    "upstreams": ("anthropic",),
    "doors": ("chat", "inference", "generate", "openrouter", "run"),
}

OVERLOADED = failed(503, "overloaded")._replace(messages_http=529)

ROWS = (
    # The answer came to its end.
    Row("usage at the end", "good", GOOD),
    # 20 at 1,000, 10 at 100, 7 at 2,000.
    Row("a part of the input from a cache", "cached", End(35_000, 30, 7)),
    Row("no usage", "uncounted", COUNTED),
    Row("usage of zero", "zero", End(0, 0, 0)),
    Row("usage before the last word", "early-count", GOOD, whole=False),
    Row("usage after the reason for the end", "late-count", GOOD),
    Row("usage again and again", "repeated-count", GOOD, whole=False),
    Row("the same usage twice", "same-count-twice", GOOD, whole=False),
    Row("usage that shrinks", "shrinking-count", GOOD, whole=False),
    # 99 of 30 are from a cache: at most 30 can be. 30 at 100, 7 at 2,000.
    Row("more cached than there is", "too-much-cached", End(17_000, 30, 7), upstreams=("openai",)),
    # A count below zero is none; 7 at 2,000 are left.
    Row("a count below zero", "negative-input", End(14_000, 0, 7)),
    # 30,000 and 1,000 at 2,000 are 2,030,000: the hold is paid, the house bears the rest.
    Row("usage above the hold", "overrun", End(HELD_NUSD, 30, 1_000, loss_nusd=1_274_000)),
    Row("nothing said, and no reason", "silent", End(0, 30, 0)),
    Row("nothing said, for a good reason", "silent-for-a-reason", End(30_000, 30, 0)),
    # The client left.
    Row("left before the answer", "held", End(100_000, 100, 0, "estimated", "cancelled", 0), client="leaves before"),
    Row("left in the middle", "held-in-the-middle", LEFT, LEFT_AN, client="leaves in the middle", whole=False),
    Row(
        "left in the middle of a whole answer",
        "held-in-the-middle",
        End(100_000, 100, 0, "estimated", "cancelled", 0),
        client="leaves before",
        stream=False,
    ),
    Row(
        "left in the middle, counted by the provider",
        "held-and-counted",
        End(34_000, 30, 2, "provider", "cancelled"),
        client="leaves in the middle",
        whole=False,
    ),
    Row("never reads the answer", "good", GOOD._replace(http=0), client="never reads"),
    Row("left before the answer, with a key", "held", GOOD._replace(http=0), client="leaves before", key="k"),
    Row(
        "left in the middle, with a key",
        "held-in-the-middle",
        GOOD,
        client="leaves in the middle",
        whole=False,
        key="k",
    ),
    Row("asks again, with a key", "good", GOOD, client="asks again", key="k"),
    Row("asks again for what was not counted", "uncounted", COUNTED, client="asks again", key="k"),
    # The provider failed.
    Row("400 of the provider", "status-400", failed(400, "provider_rejected")),
    Row("401 of the provider", "status-401", failed(502, "provider_refused_gateway")),
    Row("403 of the provider", "status-403", failed(502, "provider_refused_gateway")),
    Row("404 of the provider", "status-404", failed(502, "provider_error")),
    Row("413 of the provider", "status-413", failed(413, "payload_too_large")),
    Row("429 of the provider", "status-429", OVERLOADED),
    Row("500 of the provider", "status-500", failed(502, "provider_error")),
    Row("503 of the provider", "status-503", OVERLOADED),
    Row("529 of the provider", "status-529", OVERLOADED),
    Row("nobody at the provider's port", "nowhere", failed(502, "provider_unreachable", 0)),
    Row("broken off before the head", "reset-at-once", failed(502, "provider_unreachable")),
    Row("whole answer cut in the middle", "cut-in-the-middle", failed(502, "stream_broken"), stream=False),
    # A role is no word. The gateway's own stream to an OpenAI client begins with the first word only; one of responses
    # with the provider's first event.
    Row("cut before the first word", "cut-before-the-first-word", SILENT, whole=False, **FROM_OPENAI),
    Row("cut before the first word", "cut-before-the-first-word", UNHEARD, whole=False, **ENVELOPED),
    Row("cut before the first word", "cut-before-the-first-word", SILENT_AN, whole=False, **SAME_AN),
    Row("cut before the first word", "cut-before-the-first-word", UNHEARD_AN, whole=False, **CROSSED_AN),
    Row("an error before the first word", "failed-before-the-first-word", erring(SILENT), whole=False, **FROM_OPENAI),
    Row("an error before the first word", "failed-before-the-first-word", erring(UNHEARD), whole=False, **ENVELOPED),
    Row("an error before the first word", "failed-before-the-first-word", erring(SILENT_AN), whole=False, **SAME_AN),
    Row(
        "an error before the first word", "failed-before-the-first-word", erring(UNHEARD_AN), whole=False, **CROSSED_AN
    ),
    Row("stream cut in the middle", "cut-in-the-middle", BROKEN, BROKEN_AN, whole=False),
    Row("stream reset in the middle", "reset-in-the-middle", BROKEN, BROKEN_AN, client="nudges", whole=False),
    Row("stream reset after a count", "counted-then-reset", BROKEN_COUNTED, client="nudges", whole=False),
    Row(
        "an error in the middle",
        "failed-in-the-middle",
        erring(BROKEN),
        erring(BROKEN_AN),
        whole=False,
    ),
    # Another target.
    Row("a second target after a 500", "second-after-500", GOOD._replace(sent=2)),
    Row("a second target, of another language", "second-after-another-language", GOOD._replace(sent=2)),
    Row("a second target after nobody", "second-after-nowhere", GOOD),
    Row("a second target after a break", "second-after-a-break", GOOD._replace(sent=2)),
    Row(
        "no second target after the first word",
        "second-never-asked",
        BROKEN,
        BROKEN_AN,
        client="nudges",
        whole=False,
    ),
    # The gateway ended it.
    Row(
        "no target can carry it",
        "good",
        End(state="voided", http=400, sent=0),
        upstreams=("anthropic",),
        doors=("chat", "inference", "openrouter"),
        more={"logprobs": True},
    ),
    Row(
        "no target can carry it, from responses",
        "good",
        End(state="voided", http=400, sent=0),
        doors=("responses",),
        more={"top_logprobs": 3},
    ),
    Row(
        "no target can carry it, the other way",
        "good",
        End(state="voided", http=400, sent=0),
        upstreams=("openai",),
        doors=("messages",),
        more={"messages": [{"role": "assistant", "content": "I "}]},
    ),
)

HASTY_ROWS = (
    Row("no answer in time", "stalled", failed(504, "timeout")),
    Row("silence in the middle of a whole answer", "stalled-in-the-middle", failed(504, "timeout"), stream=False),
    Row(
        "silence in the middle",
        "stalled-in-the-middle",
        erring(BROKEN, "timeout"),
        erring(BROKEN_AN, "timeout"),
        whole=False,
    ),
)
"""Rows for a gateway that waits for half a second only."""


class Cell(NamedTuple):
    """A row at one door, whole or streamed, with a provider of one language."""

    row: Row
    door: str
    stream: bool
    upstream: str

    def __str__(self) -> str:
        way = "stream" if self.stream else "whole"
        return f"{self.row.name}-{self.door}-{way}-{self.upstream}".replace(" ", "_")


def list_cells(rows: tuple[Row, ...]) -> Iterator[Cell]:
    """Every cell of some rows."""
    for row in rows:
        for door in row.doors:
            for stream in (*([False] if row.whole else []), *([True] if row.stream else [])):
                for upstream in row.upstreams:
                    yield Cell(row, door, stream, upstream)


REFUSALS: dict[str, tuple[int, str]] = {
    "a key that is none": (401, "invalid_api_key"),
    "a balance too short": (402, "insufficient_balance"),
    "a budget too short": (402, "budget_exceeded"),
    "a key for other models": (403, "model_access_denied"),
    "a key that may not call": (403, "permission_denied"),
    "a model without a price": (403, "model_unpriced"),
    "a model that is not there": (404, "model_not_found"),
    "a body that is no JSON": (400, "invalid_json"),
    "a body too large": (413, "payload_too_large"),
    "a body of another kind": (415, "unsupported_media_type"),
    "a field that is wrong": (400, "invalid_value"),
    "two keys at once": (400, "ambiguous_credentials"),
}
"""What is refused before it is sent: by whom it is refused, status and code. Nothing is held, sent or charged."""
FIELD_AT_FAULT = 422
"""The status of a field that is wrong, at the door that has one for it."""
