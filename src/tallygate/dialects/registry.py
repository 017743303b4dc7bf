"""Every dialect there is, by name. Nothing else lists them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tallygate.dialects.anthropic_messages import AnthropicMessages
from tallygate.dialects.base import Counting, Dialect, Enveloping
from tallygate.dialects.openai_chat import OpenAIChat
from tallygate.dialects.openai_responses import OpenAIResponses
from tallygate.dialects.unified import UnifiedChat, UnifiedGenerate

_MESSAGES: Final = AnthropicMessages()
_UNIFIED: Final = (UnifiedChat(), UnifiedGenerate())
_ALL: Final[tuple[Dialect, ...]] = (OpenAIChat(), OpenAIResponses(), _MESSAGES)

DIALECTS: Final[Mapping[str, Dialect]] = MappingProxyType({dialect.name: dialect for dialect in _ALL})
"""Those that providers speak, and clients."""
CLIENT_DIALECTS: Final[Mapping[str, Dialect]] = MappingProxyType(
    {**DIALECTS, **{dialect.name: dialect for dialect in _UNIFIED}}
)
"""Those that clients speak: some are this gateway's own."""
ENVELOPING: Final[Mapping[str, Enveloping]] = MappingProxyType({dialect.name: dialect for dialect in _UNIFIED})
"""Those whose answers tell of themselves."""
COUNTING: Final[Mapping[str, Counting]] = MappingProxyType({_MESSAGES.name: _MESSAGES})
"""Those that can ask for a count of tokens."""
