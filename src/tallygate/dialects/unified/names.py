"""The names of this surface's codecs, and of the dialect whose objects the two for chats carry.

Requests are that dialect's own, so what they hold beyond the vocabulary is told as its; answers have an envelope
besides, and are told as ours.
"""

from typing import Final

from tallygate.dialects.openai_chat.losses import NAME

CHAT: Final = "unified_chat"
GENERATE: Final = "unified_generate"
EMBED: Final = "unified_embed"
OURS: Final = frozenset({CHAT, GENERATE})
"""Those for chats."""
CARRIED: Final = NAME
