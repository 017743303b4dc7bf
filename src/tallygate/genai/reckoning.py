"""What a settled call came to, for answers that tell of themselves. Made by `pipeline.finish`, told by dialects."""

from msgspec import Struct

from tallygate.genai.usage import Usage


class Reckoning(Struct, frozen=True, kw_only=True):
    """The ids of a call, the usage it is charged for, and what that costs its caller: decimal text in USD.

    `input_cost_usd` and `output_cost_usd` are the shares of tokens that went in and that came out; what is paid for
    anything else, a picture or a tool, is in `cost_usd` alone.
    """

    request_id: str
    receipt_id: str
    cost_usd: str
    input_cost_usd: str
    output_cost_usd: str
    usage: Usage
