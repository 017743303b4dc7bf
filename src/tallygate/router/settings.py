"""The settings of one model name: the equal targets behind it, other names for it, and what it costs to call.

Prices are kept as text: a decimal fraction read as a binary float would already be another price.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

# Six places of USD per million tokens are whole pico-dollars per token.
Usd = Annotated[str, Meta(pattern=r"^[0-9]{1,9}(\.[0-9]{1,6})?\Z", description='USD as text, such as "0.20"')]
TargetName = Annotated[str, Meta(pattern="^[^/]+/.", description='"provider/model"')]


class PriceSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a call of the model costs, in USD per million tokens."""

    # A side without a price is not priced; "0" says that it is free.
    input: Usd | None = None
    output: Usd | None = None


class ModelSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section ``[models.NAME]``."""

    # Tried in order. They are equals: none of them may be a weaker model.
    targets: tuple[TargetName, ...] = ()
    aliases: tuple[str, ...] = ()
    price: Literal["free"] | PriceSettings | None = None
