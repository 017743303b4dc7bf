"""The name of this wire, and of the dialect whose requests and answers it carries.

What they hold beyond the vocabulary is told as that dialect's: only the shape of an answer is this wire's own.
"""

from typing import Final

from tallygate.dialects.openai_chat.losses import NAME as CARRIED

NAME: Final = "openrouter_chat"

__all__ = ["CARRIED", "NAME"]
