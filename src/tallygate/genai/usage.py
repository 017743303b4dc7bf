"""What a call used, counted the same way for every provider.

Normalised in exactly one place, the dialect's reader: `input_tokens` includes cached ones and `output_tokens` includes
reasoning. Vendors differ: one family reports cached input beside the input instead of inside it.
"""

from msgspec import Struct


class Usage(Struct, frozen=True):
    """Token counts of one call, or of the call so far. None means that the provider did not say.

    `input_tokens` and `output_tokens` are totals; the other token counts are parts of them, never additions. The last
    fields count what is not tokens: images made, sound or film in milliseconds, characters spoken, and uses of tools
    that the provider runs.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    audio_input_tokens: int | None = None
    audio_output_tokens: int | None = None
    reasoning_tokens: int | None = None
    accepted_prediction_tokens: int | None = None
    rejected_prediction_tokens: int | None = None
    images: int | None = None
    duration_ms: int | None = None
    characters: int | None = None
    tool_uses: int | None = None

    @property
    def total_tokens(self) -> int:
        """Input plus output."""
        return self.input_tokens + self.output_tokens
