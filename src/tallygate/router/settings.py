"""The settings of one model name: the equal targets behind it, other names for it, and what it costs to call.

Prices are kept as text: a decimal fraction read as a binary float would already be another price.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from tallygate.genai.catalog import Capabilities

# Six places of USD per million tokens are whole pico-dollars per token.
Usd = Annotated[str, Meta(pattern=r"^[0-9]{1,9}(\.[0-9]{1,6})?\Z", description='USD as text, such as "0.20"')]
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
    # Other names for the model; none may be the name of another.
    aliases: tuple[str, ...] = ()
    # What the model can do, whoever serves it; what is not said here is as its providers say.
    capabilities: Capabilities | None = None
    price: Literal["free"] | PriceSettings | None = None
