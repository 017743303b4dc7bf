"""What one look at a raw request body tells, without building the request.

The walk needs the model, whether to stream, the caps that bound the answer, and where each top-level member lies so
that it can be edited in place. Spans are byte offsets into the very body that was looked at; they die with it.
"""

from msgspec import Struct, field

from tallygate.genai.routing import Routing


class Span(Struct, frozen=True):
    """One top-level member: `body[start:value_start]` is the key and its colon, `body[value_start:end]` the value."""

    start: int
    value_start: int
    end: int


class Peek(Struct, frozen=True):
    """The checked outline of a request body.

    The body is known to be one valid JSON object in UTF-8, not too deep, with no key twice at the top level, and the
    fields named here to have the right types. `spans` maps each top-level key (unescaped) to its bytes;
    `routing` is what the caller wishes of who serves the call, where the dialect has words for that. `dropped` are
    the paths of what the dialect leaves out as harmless, whoever serves the call. `own` names the members that are said
    to this gateway and to no provider; `tells_run`: the answer is to tell how it came about.
    """

    model: str
    stream: bool = False
    include_usage: bool = False
    output_tokens_max: int | None = None
    n: int = 1
    has_system: bool = False
    depth: int = 0
    body_bytes: int = 0
    spans: dict[str, Span] = field(default_factory=dict[str, Span])
    routing: Routing | None = None
    own: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    tells_run: bool = False


class Edits(Struct, frozen=True):
    """What the relay changes in a request that otherwise goes through as it came. None leaves a thing as it is.

    `output_cap_key`: the one key under which the provider honours a cap on the answer; the client's cap, or ours, is
    put under it. `include_usage`: ask the provider for usage at the end of a stream. `lift_system`: move a top-level
    `system` that the provider would not know to where it does. `leave_out`: top-level members that go no further.
    """

    model: str | None = None
    output_tokens_max: int | None = None
    output_cap_key: str | None = None
    include_usage: bool = False
    lift_system: bool = False
    leave_out: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """True if the bytes need no change at all."""
        return self == NO_EDITS


NO_EDITS = Edits()
