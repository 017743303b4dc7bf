"""This dialect's name, and what of other dialects it may leave out of a request without changing its meaning.

The list is by the name of the member as the other dialect spells it. What is not here and has no place on this wire is
refused by name. docs/reference/conversion.md tells the same to users.
"""

from typing import Final

from tallygate.dialects.losses import Losses

NAME: Final = "openai_responses"

HARMLESS: Final = frozenset({
    "annotations",  # notes on an earlier answer; its words are there
    "anthropic_beta",  # names features; the fields that use them are judged one by one
    "cachePoint",  # where a prompt may be cached: changes its price, never the answer
    "cache_control",  # the same
    "cached_content",  # the same
    "caller",  # whether a model called a tool itself or through its own code; the result is the same
    "client_metadata",  # the client's notes about itself
    "context_management",  # lets a provider forget old turns; without it the model sees more, not less
    "defer_loading",  # lets a tool be found when needed; here the model sees it from the start
    "diagnostics",  # asks for more detail in the answer's record
    "eager_input_streaming",  # how soon a call's arguments are streamed
    "include",  # asks for more detail in the answer's record
    "input_examples",  # the tool's schema and description stay
    "keep_alive",  # how long an engine keeps the model in memory
    "labels",  # for the other provider's own reports
    "parsed",  # what the official client makes of an answer's text, which is there
    "parsed_arguments",  # the same of a call's arguments
    "provider_specific_fields",  # what litellm keeps of an answer beside its words and calls, which are there
    "prediction",  # a guess at the answer that makes it come sooner, never another
    "session_id",  # keeps a client's calls at one server, for its cache
    "speed",  # how fast, at what price
    "store",  # nothing is stored for a caller of another dialect: it could not ask for it again
    "stream_options",  # how a stream is cut and padded; usage always comes
    "top_a",  # a cut of unlikely words: a wish about style
    "trace_id",  # the client's own mark
    "usage",  # asks for usage, which always comes
})  # fmt: skip

# The same vendor spells these alike on its other wire.
_SHARED: Final = frozenset({"prompt_cache_key", "prompt_cache_retention", "safety_identifier"})


def open_losses(dialect: str, *, trial: bool = False) -> Losses:
    """The account of one request that came in `dialect`."""
    return Losses(same=dialect == NAME, harmless=HARMLESS, shared=_SHARED, trial=trial)
