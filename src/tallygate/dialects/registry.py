"""Every dialect there is, by name. Nothing else lists them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tallygate.dialects.anthropic_messages import AnthropicMessages
from tallygate.dialects.base import Counting, Dialect
from tallygate.dialects.openai_chat import OpenAIChat
from tallygate.dialects.openai_responses import OpenAIResponses

_MESSAGES: Final = AnthropicMessages()
_ALL: Final[tuple[Dialect, ...]] = (OpenAIChat(), OpenAIResponses(), _MESSAGES)

DIALECTS: Final[Mapping[str, Dialect]] = MappingProxyType({dialect.name: dialect for dialect in _ALL})
COUNTING: Final[Mapping[str, Counting]] = MappingProxyType({_MESSAGES.name: _MESSAGES})
"""Those that can ask for a count of tokens."""
