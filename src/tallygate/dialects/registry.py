"""Every dialect there is, by name. Nothing else lists them."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

from tallygate.dialects.anthropic_messages import AnthropicMessages, limits
from tallygate.dialects.base import (
    Accountable,
    Counting,
    Dialect,
    Enveloping,
    Fitting,
    Naming,
    Passported,
    Recounting,
    Streaming,
)
from tallygate.dialects.openai_chat import OpenAIChat
from tallygate.dialects.openai_completions import OpenAICompletions
from tallygate.dialects.openai_media import OpenAIEmbeddings
from tallygate.dialects.openai_responses import OpenAIResponses
from tallygate.dialects.openrouter import OpenRouterChat
from tallygate.dialects.openrouter.embed import OpenRouterEmbeddings
from tallygate.dialects.run import Run
from tallygate.dialects.unified import UnifiedChat, UnifiedGenerate
from tallygate.dialects.unified.embed import UnifiedEmbed
from tallygate.genai.rate_standing import RateStanding

WriteLimits = Callable[[Iterable[RateStanding]], list[tuple[str, str]]]

_CHAT: Final = OpenAIChat()
_MESSAGES: Final = AnthropicMessages()
_EMBEDDINGS: Final = OpenAIEmbeddings()
_OPENROUTER: Final = OpenRouterChat()
_OPENROUTER_EMBED: Final = OpenRouterEmbeddings()
_RUN: Final = Run()
_UNIFIED_CHATS: Final = (UnifiedChat(), UnifiedGenerate())
_UNIFIED_EMBED: Final = UnifiedEmbed()

_CHATS: Final[tuple[Streaming, ...]] = (_CHAT, OpenAIResponses(), _MESSAGES)
_CHAT_DOORS: Final[tuple[Streaming, ...]] = (OpenAICompletions(), _OPENROUTER, _RUN, *_UNIFIED_CHATS)
_SPOKEN: Final[tuple[Dialect, ...]] = (*_CHATS, _EMBEDDINGS)
_DOORS: Final[tuple[Dialect, ...]] = (*_CHAT_DOORS, _OPENROUTER_EMBED, _UNIFIED_EMBED)

DIALECTS: Final[Mapping[str, Dialect]] = MappingProxyType({dialect.name: dialect for dialect in _SPOKEN})
"""Those that providers speak, and clients."""
CLIENT_DIALECTS: Final[Mapping[str, Dialect]] = MappingProxyType(
    {**DIALECTS, **{dialect.name: dialect for dialect in _DOORS}}
)
"""Those that clients speak: some are carried in another one, some are this gateway's own."""
STREAMING: Final[Mapping[str, Streaming]] = MappingProxyType(
    {dialect.name: dialect for dialect in (*_CHATS, *_CHAT_DOORS)}
)
"""Those of them in which an answer may be a stream: those for chats."""
ENVELOPING: Final[Mapping[str, Enveloping]] = MappingProxyType(
    {dialect.name: dialect for dialect in (*_UNIFIED_CHATS, _UNIFIED_EMBED)}
)
"""Those whose answers tell of themselves."""
ACCOUNTABLE: Final[Mapping[str, Accountable]] = MappingProxyType(
    {dialect.name: dialect for dialect in (_OPENROUTER, _OPENROUTER_EMBED)}
)
"""Those whose answers tell what they are charged for."""
NAMING: Final[Mapping[str, Naming]] = MappingProxyType({_OPENROUTER.name: _OPENROUTER, _RUN.name: _RUN})
"""Those whose answers bear an id made of the call's."""
RECOUNTING: Final[Mapping[str, Recounting]] = MappingProxyType({_CHAT.name: _CHAT, _RUN.name: _RUN})
"""Those whose answers may tell how they came about."""
PASSPORTED: Final[Mapping[str, Passported]] = MappingProxyType({_RUN.name: _RUN})
"""Those whose heads and errors name the call, its model and who serves it."""
FITTING: Final[Mapping[str, Fitting]] = MappingProxyType({_EMBEDDINGS.name: _EMBEDDINGS})
"""Those whose providers may answer in another form than was asked for."""
LIMITING: Final[Mapping[str, WriteLimits]] = MappingProxyType({_MESSAGES.name: limits.write_limits})
"""Those that have headers of their own for limits of requests and tokens."""
COUNTING: Final[Mapping[str, Counting]] = MappingProxyType({_MESSAGES.name: _MESSAGES})
"""Those that can ask for a count of tokens."""
