"""What a settled call came to, put into the `usage` of an answer or of a stream's last chunk in place, and every other
byte as it was (openrouter.ai/docs/use-cases/usage-accounting).

There is always a usage: where the provider gave none, it is the gateway's own count.
"""

from collections.abc import Callable
from typing import Any, Final, cast

import msgspec

from tallygate.dialects.last_chunk import patch_last
from tallygate.dialects.patches import Patch, apply
from tallygate.dialects.scan import list_members
from tallygate.genai.messages import Extra
from tallygate.genai.reckoning import Reckoning
from tallygate.genai.usage import Usage

WriteCounts = Callable[[Usage], dict[str, Any]]
"""The counts of a usage as the answer has them."""

_USAGE: Final = "usage"
_PRICE: Final = frozenset({"cost", "cost_details", "is_byok"})


def leave_out_price(extra: Extra) -> Extra:
    """An answer's `extra` without what its provider asks for it: here stands what the caller pays."""
    usage = extra.get(_USAGE)
    if not isinstance(usage, dict) or _PRICE.isdisjoint(cast(dict[str, Any], usage)):
        return extra
    left = {name: value for name, value in cast(dict[str, Any], usage).items() if name not in _PRICE}
    return {**extra, _USAGE: left}


def tell(closing: bytes, reckoning: Reckoning, write_counts: WriteCounts, *, stream: bool) -> bytes:
    """A whole answer, or the end of a stream, with its usage and its cost."""
    make = _make_patches(reckoning, write_counts)
    return patch_last(closing, make) if stream else apply(closing, make(closing))


def _make_patches(reckoning: Reckoning, write_counts: WriteCounts) -> Callable[[bytes], list[Patch]]:
    costs = _write_costs(reckoning)

    def patch(document: bytes) -> list[Patch]:
        known = dict(list_members(document)).get(_USAGE)
        if known is None:
            inside = document.rindex(b"}")
            usage = msgspec.json.encode({**write_counts(reckoning.usage), **costs})
            return [(inside, inside, b',"usage":' + usage)]
        start, value = known.value_start, document[known.value_start : known.end].rstrip()
        inside = start + len(value) - 1
        return [(inside, inside, b"," + msgspec.json.encode(costs)[1:-1])]

    return patch


def _write_costs(reckoning: Reckoning) -> dict[str, Any]:
    """Decimal text becomes a JSON number as it stands, so no cent is lost on the way through a binary fraction."""
    return {
        "cost": msgspec.Raw(reckoning.cost_usd.encode()),
        "is_byok": False,
        "cost_details": {
            "upstream_inference_cost": None,
            "upstream_inference_prompt_cost": msgspec.Raw(reckoning.input_cost_usd.encode()),
            "upstream_inference_completions_cost": msgspec.Raw(reckoning.output_cost_usd.encode()),
        },
    }
