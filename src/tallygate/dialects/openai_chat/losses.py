"""This dialect's name, and what of other dialects it may leave out of a request without changing its meaning."""

from collections.abc import Set as AbstractSet
from typing import Final

from tallygate.dialects.losses import Losses
from tallygate.genai.caching import MARK, CacheHint

NAME: Final = "openai_chat"

HARMLESS: Final = frozenset({
    "additional",  # where in the input a tool was added; here the model sees it from the start
    "annotations",  # notes on an earlier answer; its words are there
    "anthropic_beta",  # names features; the fields that use them are judged one by one
    "cachePoint",  # where a prompt may be cached: changes its price, never the answer
    "cache_control",  # the same
    "caller",  # whether a model called a tool itself or through its own code; the result is the same
    "client_metadata",  # the client's notes about itself
    "context_management",  # lets a provider forget old turns; without it the model sees more, not less
    "defer_loading",  # lets a tool be found when needed; here the model sees it from the start
    "diagnostics",  # asks for more detail in the answer's record
    "eager_input_streaming",  # how soon a call's arguments are streamed
    "include",  # asks for more detail in the answer's record
    "input_examples",  # the tool's schema and description stay
    "item",  # an id, a status and a phase of earlier work; its words are there
    "keep_alive",  # how long an engine keeps the model in memory
    "labels",  # for the other provider's own reports
    "logprobs",  # notes on an earlier answer; its words are there
    "max_tool_calls",  # how often the provider may run tools of its own; here it runs none
    "namespace",  # a group of tools, which the tool's name begins with
    "parsed",  # what the official client makes of an answer's text, which is there
    "parsed_arguments",  # the same of a call's arguments
    "prompt_cache_breakpoint",  # where a prompt may be cached: changes its price, never the answer
    "prompt_cache_key",  # as cache_control
    "prompt_cache_options",  # as prompt_cache_breakpoint
    "prompt_cache_retention",  # as cache_control
    "reasoning.context",  # which earlier thoughts the model sees again: those that it can be given
    "safety_identifier",  # tells the other provider who its user is, for its own abuse reports
    "session_id",  # keeps a client's calls at one server, for its cache
    "speed",  # how fast, at what price
    "store",  # whether the other provider keeps the answer, where it could be asked for again
    "stream_options",  # how a stream is cut and padded; usage is asked for anyway
    "trace_id",  # the client's own mark
    "truncation",  # what happens at a full context: here the provider answers with an error
    "verbosity",  # how long an answer should be: a wish about style
})  # fmt: skip


def open_losses(dialect: str, *, trial: bool = False, cache_hints: AbstractSet[CacheHint] = frozenset()) -> Losses:
    """The account of one request that came in `dialect`, for one who knows these hints about caching."""
    return Losses(
        same=dialect == NAME,
        harmless=HARMLESS,
        shared=cache_hints - {MARK},
        trial=trial,
        marks=MARK in cache_hints,
    )
