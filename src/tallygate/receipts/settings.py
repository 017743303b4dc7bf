"""What an operator may set about receipts, section `[receipts]`. Values only; `config` fills them in."""

from typing import Annotated

from msgspec import Meta, Struct


class ReceiptsSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who vouches, and whether calls go on while nobody can."""

    # Without a log that can be signed no call is begun. False: calls go on, and their receipts wait for their place.
    required: bool = True
    # Empty: chosen at the first start. Both are in every receipt and stay the same for good.
    origin: Annotated[str, Meta(pattern=r"^(?:\Z|[!-*,-~]{1,200}\Z)", description="a name without blanks or +")] = ""
    issuer: Annotated[str, Meta(max_length=200)] = ""
