"""The bytes of `response.content` where embeddings were asked for: a digest of each vector, over its 32-bit floats,
whichever way they were spelt in the answer. Their form is told in docs/reference/receipts.md. Pure.
"""

import hashlib

from msgspec import Struct

from tallygate.genai import stream
from tallygate.genai.embeddings import EmbedResponse
from tallygate.receipts.canonical import write_structs


class _Told(Struct):
    index: int
    vector: str


class Vectors:
    """What one answer with embeddings says; as `Content`. It comes whole, or not at all."""

    __slots__ = ("_handed_on", "_seen")

    def __init__(self) -> None:
        self._seen: list[_Told] = []
        self._handed_on = False

    def see(self, event: stream.Event) -> None:
        """Such an answer has no events."""

    def see_whole(self, response: EmbedResponse) -> None:
        """A whole answer."""
        told = [_Told(one.index, hashlib.sha256(one.vector).hexdigest()) for one in response.embeddings]
        self._seen = sorted(told, key=lambda one: one.index)

    def hand_on(self) -> None:
        """All that was seen is on its way to the client."""
        self._handed_on = True

    def write(self) -> bytes:
        """The bytes, once the answer is over."""
        return write_structs(self._seen if self._handed_on else [])
