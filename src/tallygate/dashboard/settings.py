"""The settings of the pages, section `[dashboard]`. Values only; where they came from is known to `config`."""

from typing import Annotated

from msgspec import Meta, Struct


class DashboardSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section ``[dashboard]``. Times are in seconds."""

    # Off: everything under /dashboard is a 404.
    enabled: bool = True
    # A session that nobody used for so long has ended.
    idle_s: Annotated[int, Meta(ge=60, le=86_400)] = 1_800
    # And so has one that is so old, however much it is used.
    absolute_s: Annotated[int, Meta(ge=60, le=2_592_000)] = 43_200
