"""What one process's writer has done since it began: counted by its thread as transactions end, read by whoever asks.

These are sums of what was committed, each once, whatever became of the callers; the truth is in the tables.
"""

from collections.abc import Sequence
from typing import Final

from tallygate.genai.results import Held, Posted, Result, Voided

BATCH_BOUNDS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class Figures:
    """Whole numbers. `batches` are counted by size, one place for each bound: none is larger than the last."""

    def __init__(self) -> None:
        self.batches = [0] * len(BATCH_BOUNDS)
        self.items = 0
        self.held = 0
        self.posted = 0
        self.voided = 0
        self.charged_nusd = 0
        self.loss_nusd = 0

    def note(self, results: Sequence[Result]) -> None:
        """A batch was committed, and this is what its items came to."""
        if not results:
            return
        # The bound of 2^n is the n-th: so many bits has one less than the number.
        self.batches[min((len(results) - 1).bit_length(), len(self.batches) - 1)] += 1
        self.items += len(results)
        for result in results:
            if isinstance(result, Posted):
                self.posted += 1
                self.charged_nusd += result.hold.charged_nusd
                self.loss_nusd += result.hold.loss_nusd
            elif isinstance(result, Held):
                self.held += 1
            elif isinstance(result, Voided):
                self.voided += 1
