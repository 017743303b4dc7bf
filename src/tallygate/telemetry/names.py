"""The names of OpenTelemetry's conventions for generative AI, and what this house's own words are there. They are still
being developed (as of release 1.42 of the conventions), so they are spelled in this folder and nowhere else.

Source: https://opentelemetry.io/docs/specs/semconv/gen-ai
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
REQUEST_STREAM: Final = "gen_ai.request.stream"
RESPONSE_MODEL: Final = "gen_ai.response.model"
FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
CACHE_READ_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE_TOKENS: Final = "gen_ai.usage.cache_creation.input_tokens"
REASONING_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"
COUNTED_KIND: Final = "gen_ai.token.type"
ERROR_TYPE: Final = "error.type"

USAGE: Final = "gen_ai.client.token.usage"
DURATION: Final = "gen_ai.client.operation.duration"
TIME_TO_FIRST_CHUNK: Final = "gen_ai.client.operation.time_to_first_chunk"

_OPERATIONS: Final[Mapping[str, str]] = MappingProxyType({"embed": "embeddings"})
"""Where the conventions have another word than this house."""


def name_operation(operation: str) -> str:
    """What the conventions call an operation of ours."""
    return _OPERATIONS.get(operation, operation)
