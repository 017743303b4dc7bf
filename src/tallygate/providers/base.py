"""What a provider is: a row of data, and where it lies, an engine on this machine and how to know it again.

A row says where a provider is, which dialects it speaks and how we sign in. Code belongs in a row only for a quirk that
data cannot say, and then in that provider's own file. Nothing here reads the environment or opens a socket.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Literal

from msgspec import Struct, field

from tallygate.genai.caching import CacheHint
from tallygate.genai.catalog import Capabilities, Offer, Quality
from tallygate.genai.ceilings import Reach
from tallygate.genai.secret import Secret
from tallygate.transport.base import Answer, OutgoingRequest, Timeouts
from tallygate.transport.settings import Milliseconds

Auth = Literal["bearer", "x-api-key", "x-goog-api-key", "none"]
"""The header a key travels in: ``authorization: Bearer KEY``, one of the two named ones, or none at all."""

OutputCapKey = Literal["max_tokens", "max_completion_tokens"]

CHATS: Final = frozenset({"chat", "count"})
EMBEDS: Final = frozenset({"embed"})
"""What can be asked of models that are for one thing only."""

Serve = Callable[[OutgoingRequest], Awaitable[Answer]]


class Seen(Struct, frozen=True):
    """What one address of this machine answered to a look. Header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Sighting(Struct, frozen=True):
    """An engine that was recognised: its models, or in `note` why it cannot serve yet."""

    offers: tuple[Offer, ...] = ()
    note: str = ""


class Inquiry(Struct, frozen=True):
    """How to ask an engine what one of its models can do: by a POST to `path`. Both functions are pure; `learn` gives
    the offer with what the answer told, or as it was.
    """

    path: str
    ask: Callable[[Offer], bytes]
    learn: Callable[[Offer, Seen], Offer]


class Engine(Struct, frozen=True):
    """How to find a provider that runs on this machine, and how to be sure that it is the one.

    `recognise` is pure: it gets what each of `paths` answered, in that order, and tells None for anything else that
    may listen on the port. `inquiry` is for what its list of models does not tell.
    """

    port: int
    paths: tuple[str, ...]
    recognise: Callable[[tuple[Seen, ...]], Sighting | None]
    host_env: str = ""
    inquiry: Inquiry | None = None


class OwnTimeouts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits on one exchange with one provider, in milliseconds. None: as with everybody."""

    connect_ms: Milliseconds | None = None
    first_byte_ms: Milliseconds | None = None
    silence_ms: Milliseconds | None = None
    total_ms: Milliseconds | None = None

    def over(self, others: Timeouts) -> Timeouts:
        """These, and the others' where these say nothing."""
        return Timeouts(
            connect_ms=self.connect_ms or others.connect_ms,
            first_byte_ms=self.first_byte_ms or others.first_byte_ms,
            silence_ms=self.silence_ms or others.silence_ms,
            total_ms=self.total_ms or others.total_ms,
        )


class Provider(Struct, frozen=True, kw_only=True):
    """One row. `name` is what stands before the slash in ``provider/model``; `title` is for people.

    `speaks` maps a dialect's name to the path under `base_url` where it is spoken. `key_env` names the variables that
    may hold the key, best first. `stream_usage`: it knows ``stream_options.include_usage``. `output_cap_key` is the key
    of a chat request that bounds its output and that it heeds; `output_tokens_default` the bound for a caller who gave
    none, on a wire that must have one. `models` are well-known names to list; `claims` are patterns (fnmatch) of names
    that are this provider's when they are called without ``provider/`` before them. `reaches` says by pattern, the
    first that fits, how far a model goes: figures from the vendor's own pages, for the bound of a call's cost. `serves`
    says by pattern, the first that fits, what alone can be asked of a model; of others all that the row's dialects can
    be asked. `capabilities` says by pattern what a model can do; of several patterns that fit the first that says it
    counts. `cache_hints` are those that it knows in the dialect `openai_chat`, which has none. `free_of_charge` says
    whether nobody bills its calls; None leaves that to what the provider is. `regions` is every place it may serve a
    call from, `keeps_inputs` whether it keeps what it is sent once it has answered; empty and None: not known.
    `timeouts` go before those of the way out; `concurrency` is how many calls it may have under way, None: any number.
    """

    name: str
    title: str
    base_url: str
    speaks: Mapping[str, str]
    auth: Auth = "bearer"
    key_env: tuple[str, ...] = ()
    key: Secret | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    stream_usage: bool = True
    output_cap_key: OutputCapKey = "max_tokens"
    output_tokens_default: int = 8192
    models: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    reaches: Mapping[str, Reach] = field(default_factory=dict[str, Reach])
    serves: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    capabilities: Mapping[str, Capabilities] = field(default_factory=dict[str, Capabilities])
    cache_hints: frozenset[CacheHint] = frozenset()
    engine: Engine | None = None
    serve: Serve | None = None
    quality: Quality = "real"
    free_of_charge: bool | None = None
    regions: tuple[str, ...] = ()
    keeps_inputs: bool | None = None
    timeouts: OwnTimeouts | None = None
    concurrency: int | None = None

    def find_timeouts(self, others: Timeouts) -> Timeouts:
        """The limits on an exchange with this provider, where `others` are everybody's."""
        return others if self.timeouts is None else self.timeouts.over(others)

    @property
    def free(self) -> bool:
        """True if nobody bills its calls: an engine of the operator's own, or models to test with, if not said else."""
        return self.engine is not None or self.quality == "test" if self.free_of_charge is None else self.free_of_charge

    def offers(self) -> tuple[Offer, ...]:
        """The well-known models as offers. Test models are only ever offered with their provider's name in front."""
        real = self.quality == "real"
        return tuple(Offer(self.name, model, quality=self.quality, bare=real) for model in self.models)


class Found(Struct, frozen=True):
    """A provider that can be called, and how we know (``OPENAI_API_KEY is set``)."""

    provider: Provider
    reason: str
    offers: tuple[Offer, ...] = ()


class Missing(Struct, frozen=True):
    """A provider that cannot be called, and why (``OPENAI_API_KEY is not set``)."""

    name: str
    title: str
    reason: str
