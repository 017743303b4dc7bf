"""The name of this dialect, and of the one whose members its requests otherwise have."""

from typing import Final

from tallygate.dialects.openai_chat.losses import NAME as CHAT

NAME: Final = "openai_completions"
CARRIED: Final = CHAT
