"""How a settled call went, for answers that tell of it. Made by `pipeline.finish`, told by dialects."""

from msgspec import Struct

from tallygate.genai.plan import Target


class Course(Struct, frozen=True, kw_only=True):
    """Who served the call, how long it took from its arrival, and under which policy.

    `ttft_ms` is until the first piece of the answer left, or the whole of it. `failure` is our code for what the first
    attempt failed with, empty if it served; `policy_digest` as in `Routing`; `ended_s` Unix seconds.
    """

    request_model: str
    target: Target
    ttft_ms: int
    total_ms: int
    failure: str = ""
    policy_digest: str = ""
    ended_s: int = 0
