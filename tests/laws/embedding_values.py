"""Requests and answers that the dialects for embeddings can say exactly: OpenAI's, and the gateway's own, which has its
objects.
"""

import struct

from hypothesis import strategies as st
from msgspec import structs

from tallygate.genai.embeddings import Embedding, EmbedRequest, EmbedResponse, Encoding
from tallygate.genai.usage import Usage
from tests.laws.strategies import COUNTS, EXTRAS, SAID, maybe

ENCODINGS: st.SearchStrategy[Encoding] = st.sampled_from(["float", "base64"])
IDS = st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=4).map(tuple)
VECTORS = st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=4).map(
    lambda numbers: struct.pack(f"<{len(numbers)}f", *numbers)
)


@st.composite
def requests(draw: st.DrawFn) -> EmbedRequest:
    """A request as the reader would make it."""
    alone = draw(st.booleans())
    size = 1 if alone else 3
    texts, tokens = st.lists(SAID, min_size=1, max_size=size), st.lists(IDS, min_size=1, max_size=size)
    return EmbedRequest(
        model=draw(SAID),
        inputs=draw(texts.map(tuple[str, ...]) | tokens.map(tuple[tuple[int, ...], ...])),
        alone=alone,
        dimensions=draw(maybe(st.integers(1, 2**31 - 1))),
        encoding=draw(maybe(ENCODINGS)),
        user=draw(maybe(SAID)),
        dialect="openai_embeddings",
        extra=draw(EXTRAS),
    )


class EmbeddingValues:
    """Of `openai_embeddings`, and of `unified_embed`."""

    OPEN_MEMBERS: frozenset[str] = frozenset()

    def __init__(self, name: str) -> None:
        self._name = name

    def requests(self) -> st.SearchStrategy[EmbedRequest]:
        """As the reader would make them: a request beyond the vocabulary is told as OpenAI's on both wires."""
        return requests()

    def responses(self) -> st.SearchStrategy[EmbedResponse]:
        """Whole answers as the reader would make them."""
        embeddings = st.lists(st.builds(Embedding, st.integers(0, 2_047), VECTORS, EXTRAS), min_size=1, max_size=3)
        return st.builds(
            EmbedResponse,
            model=SAID,
            embeddings=embeddings.map(tuple),
            usage=maybe(st.builds(Usage, input_tokens=COUNTS)),
            encoding=ENCODINGS,
            dialect=st.just(self._name),
            extra=EXTRAS,
        ).flatmap(_count_more)


def _count_more(response: EmbedResponse) -> st.SearchStrategy[EmbedResponse]:
    """The answer, perhaps with members of its usage that have no name here."""
    return EXTRAS.map(
        lambda more: structs.replace(response, extra={**response.extra, **({"usage": more} if more else {})})
    )
