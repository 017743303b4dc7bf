"""What a request of another dialect may leave behind when it is written as a messages request, and why.

The list is by the name of the member as the other dialect spells it. What is not here and has no place on this wire is
refused by name. docs/reference/conversion.md tells the same to users.
"""

from typing import Final

from tallygate.dialects.losses import Losses

NAME: Final = "anthropic_messages"

HARMLESS: Final = frozenset({
    "additional",  # where in the input a tool was added; here the model sees it from the start
    "annotations",  # notes on an earlier answer; its words are there
    "cached_content",  # where a prompt may be cached: changes its price, never the answer
    "caller",  # whether a model called a tool itself or through its own code; the result is the same
    "client_metadata",  # the client's notes about itself
    "context_management",  # lets a provider forget old turns; without it the model sees more, not less
    "defer_loading",  # lets a tool be found when needed; here the model sees it from the start
    "include",  # asks for more detail in the answer's record
    "item",  # an id, a status and a phase of earlier work; its words are there
    "keep_alive",  # how long an engine keeps the model in memory
    "labels",  # for the other provider's own reports
    "logprobs",  # notes on an earlier answer; its words are there
    "max_tool_calls",  # how often the provider may run tools of its own; here it runs none
    "namespace",  # a group of tools, which the tool's name begins with
    "obfuscation",  # padding against eavesdroppers
    "parsed",  # what the official client makes of an answer's text, which is there
    "parsed_arguments",  # the same of a call's arguments
    "prediction",  # a guess at the answer that makes it come sooner, never another
    "prompt_cache_breakpoint",  # where a prompt may be cached: changes its price, never the answer
    "prompt_cache_key",  # as cached_content
    "prompt_cache_options",  # as prompt_cache_breakpoint
    "prompt_cache_retention",  # as cached_content
    "provider_specific_fields",  # what litellm keeps of an answer beside its words and calls, which are there
    "reasoning.context",  # which earlier thoughts the model sees again: those that it can be given
    "safety_identifier",  # tells the other provider who its user is, for its own abuse reports
    "session_id",  # keeps a client's calls at one server, for its cache
    "store",  # whether the other provider keeps the answer for its own dashboard
    "stream_options",  # how a stream is cut and padded; usage always comes
    "top_a",  # a cut of unlikely words: a wish about style
    "trace_id",  # the client's own mark
    "truncation",  # what happens at a full context: here the provider answers with an error
    "usage",  # asks for usage, which always comes
    "verbosity",  # how long an answer should be: a wish about style
})  # fmt: skip

# Gateways of the other dialect borrowed these from this one.
_SHARED: Final = frozenset({"cache_control"})


def open_losses(dialect: str, *, trial: bool = False) -> Losses:
    """A new account for a request that came in `dialect`."""
    return Losses(same=dialect == NAME, harmless=HARMLESS, shared=_SHARED, trial=trial)
