"""The names of this wire for chats and for embeddings, and of the dialect whose chats it carries.

What they hold beyond the vocabulary is told as that dialect's: only the shape of an answer is this wire's own.
"""

from typing import Final

from tallygate.dialects.openai_chat.losses import NAME as CARRIED

NAME: Final = "openrouter_chat"
EMBED: Final = "openrouter_embeddings"

__all__ = ["CARRIED", "EMBED", "NAME"]
