"""The settings of one model name: the equal targets behind it, who of them is asked first, other names for it, and what
it costs to call. And those of the router: when a target is left alone, and how often a call is tried.

Prices are kept as text: a decimal fraction read as a binary float would already be another price.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from tallygate.genai.catalog import Capabilities

# Six places of USD per million tokens are whole pico-dollars per token.
Usd = Annotated[str, Meta(pattern=r"^[0-9]{1,9}(\.[0-9]{1,6})?\Z", description='USD as text, such as "0.20"')]
Choose = Literal["order", "weight", "price", "latency", "throughput"]
"""By what the target that is asked first is chosen, where the caller does not say."""

Percent = Annotated[int, Meta(ge=1, le=100)]
Milliseconds = Annotated[int, Meta(ge=1, le=86_400_000)]
Weight = Annotated[int, Meta(ge=0, le=1_000_000)]
TargetName = Annotated[str, Meta(pattern="^[^/]+/.", description='"provider/model"')]


class TierSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Other prices for calls with a long input; what is not said here costs what it costs in short calls."""

    above_input_tokens: int = 0
    input: Usd | None = None
    cache_read: Usd | None = None
    cache_write: Usd | None = None
    cache_write_1h: Usd | None = None
    audio_input: Usd | None = None
    output: Usd | None = None
    reasoning: Usd | None = None
    audio_output: Usd | None = None


class PriceSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a call of the model costs: tokens and characters in USD per million, all else in USD each."""

    # A side without a price is not priced; "0" says that it is free.
    input: Usd | None = None
    output: Usd | None = None
    # Parts of the input and of the output; one that is not said costs what its whole costs.
    cache_read: Usd | None = None
    cache_write: Usd | None = None
    cache_write_1h: Usd | None = None
    audio_input: Usd | None = None
    reasoning: Usd | None = None
    audio_output: Usd | None = None
    call: Usd | None = None
    image: Usd | None = None
    second: Usd | None = None
    character: Usd | None = None
    tool_use: Usd | None = None
    tiers: tuple[TierSettings, ...] | None = None
    # Multiplies the prices beside it, or the list price where it stands alone.
    factor: Usd | None = None


class ModelSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section ``[models.NAME]``."""

    # Tried in order. They are equals: none of them may be a weaker model.
    targets: tuple[TargetName, ...] = ()
    # None: by weight if there are weights, else in order. A caller's own wish goes before.
    choose: Choose | None = None
    # How many calls of each target come first, in proportion; 0: only where others fail. Who is not named has 1.
    weights: dict[TargetName, Weight] | None = None
    # Other names for the model; none may be the name of another.
    aliases: tuple[str, ...] = ()
    # What the model can do, whoever serves it; what is not said here is as its providers say.
    capabilities: Capabilities | None = None
    price: Literal["free"] | PriceSettings | None = None


class RouterSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section ``[router]``."""

    # One call from its arrival to its end, over all its attempts. A model may speak for many minutes.
    total_ms: Milliseconds = 1_800_000
    # False: a target is asked however often it fails.
    circuits: bool = True
    # A target is left alone after so many failures without a success between them.
    failures_in_row_max: Annotated[int, Meta(ge=1, le=1_000_000)] = 5
    # Or after so many failures of a hundred calls within a time, if there were as many calls as that.
    failure_percent: Percent = 50
    window_ms: Milliseconds = 30_000
    window_calls_min: Annotated[int, Meta(ge=1, le=1_000_000)] = 20
    # How long it is left alone at first. Each time that it is tried in vain doubles it, up to a bound.
    open_ms: Milliseconds = 5_000
    # Also the longest rest that a provider is given because it asks for one.
    open_ms_max: Milliseconds = 60_000
    # How long a target is left alone whose provider does not take this gateway's key.
    refused_ms: Milliseconds = 60_000
    # How often one call may ask a target again that has failed, where nobody else is left to ask.
    retries_max: Annotated[int, Meta(ge=0, le=10)] = 1
    # The longest that it waits for that, and only if the provider said when to come again.
    retry_wait_ms_max: Annotated[int, Meta(ge=0, le=60_000)] = 2_000
    # How many attempts there may be beyond one for each call, of a hundred calls; and how many at once.
    retry_percent: Annotated[int, Meta(ge=0, le=100)] = 10
    retry_burst: Annotated[int, Meta(ge=0, le=1_000_000)] = 10
