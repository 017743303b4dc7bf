"""Whether objects of this wire are what the vendor's SDK promises its users: each member known, each of its type.

The SDK itself is lenient with what it receives; here its types are taken at their word.
"""

from typing import Any, get_args

import openai.types.responses as types
from openai.types.responses import Response
from pydantic import BaseModel

EVENTS: dict[str, type[BaseModel]] = {
    get_args(cls.model_fields["type"].annotation)[0]: cls
    for name, cls in vars(types).items()
    if name.endswith("Event") and isinstance(cls, type) and issubclass(cls, BaseModel)
}

# What the SDK's types leave out and other clients of this wire insist on; of usage, what the gateway has a word for.
BEYOND: dict[str, set[str]] = {
    "InputTokensDetails": {"cache_write_1h_tokens"},
    "Response": {"frequency_penalty", "presence_penalty", "store"},
    "ResponseCustomToolCall": {"status"},
    "ResponseFunctionCallArgumentsDoneEvent": {"name"},
}


def check_response(value: Any) -> Response:
    """An answer as the SDK has it. Raises AssertionError or ValidationError for anything it does not promise."""
    response = Response.model_validate(value, strict=True)
    check_nothing_else(response)
    missing = set(Response.model_fields) - value.keys()
    # Members that only one vendor's service can fill in, or that only a caller who asked for them gets.
    assert missing <= {
        "access_programs", "conversation", "image", "input_transformations", "moderation", "prompt",
        "prompt_cache_diagnostics", "prompt_cache_options", "prompt_cache_retention", "tool_usage",
    }, missing  # fmt: skip
    return response


def check_event(value: Any) -> BaseModel:
    """An event as the SDK has it."""
    event = EVENTS[value["type"]].model_validate(value, strict=True)
    check_nothing_else(event)
    if "response" in value:
        check_response(value["response"])
    return event


def check_nothing_else(value: Any) -> None:
    """Every object inside holds members only that its type knows."""
    if isinstance(value, BaseModel):
        unknown = set(value.model_extra or {})
        kind = type(value).__name__
        assert unknown <= BEYOND.get(kind, set()), (kind, unknown)
        for name in type(value).model_fields:
            check_nothing_else(getattr(value, name))
    elif isinstance(value, list):
        for item in value:
            check_nothing_else(item)
