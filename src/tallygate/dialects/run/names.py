"""The name of this surface, and of the dialect whose conversations it carries."""

from typing import Final

from tallygate.dialects.openai_chat.losses import NAME as CARRIED

NAME: Final = "run"
PASSPORT: Final = "passport:"
"""What may stand before a model's name, or before that of who is to serve it."""

__all__ = ["CARRIED", "NAME", "PASSPORT"]
