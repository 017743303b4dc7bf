"""The names of this room's dialects."""

from typing import Final

EMBEDDINGS: Final = "openai_embeddings"
