"""The names of the two codecs of this surface, and of the dialect whose objects they carry.

Requests are that dialect's own, so what they hold beyond the vocabulary is told as its; answers have an envelope
besides, and are told as ours.
"""

from typing import Final

from tallygate.dialects.openai_chat.losses import NAME

CHAT: Final = "unified_chat"
GENERATE: Final = "unified_generate"
OURS: Final = frozenset({CHAT, GENERATE})
CARRIED: Final = NAME
