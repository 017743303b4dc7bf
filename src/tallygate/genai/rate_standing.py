"""How a caller stands with its limits of requests and tokens in a minute, for whoever tells it. A frozen value."""

from msgspec import Struct

from tallygate.genai.book import RateKind


class RateStanding(Struct, frozen=True, kw_only=True):
    """The tightest limit of one kind, as an admission at `at_ns` (UTC) has left it.

    So many of `limit` are left; after `reset_ns`, if nothing else is asked and every open call uses all it may, the
    whole limit is.
    """

    kind: RateKind
    limit: int
    remaining: int
    reset_ns: int
    at_ns: int
