"""The dialects for chats, for tests of what only chats have: streams, turns, tools."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tallygate.dialects.base import Streaming
from tallygate.dialects.registry import DIALECTS, STREAMING

CHATS: Final[Mapping[str, Streaming]] = MappingProxyType(
    {name: STREAMING[name] for name in DIALECTS if name in STREAMING}
)
"""Those that providers speak."""
CHAT_DOORS: Final = STREAMING
"""Those that clients speak."""
