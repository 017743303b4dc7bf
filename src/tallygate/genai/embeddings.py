"""A call for embeddings and its answer: texts in, one vector for each of them out.

A vector is the bytes of its 32-bit floats, little-endian, whichever way its provider spelt it: that is what models
compute, and what a receipt commits to.
"""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from tallygate.genai.messages import Extra
from tallygate.genai.operation import Aim, Gist
from tallygate.genai.usage import Usage

Encoding = Literal["float", "base64"]
"""How a vector stands in JSON: a list of numbers, or its bytes in base64."""

FLOAT_BYTES = 4

TokenIds = tuple[int, ...]
"""A text that its caller has made tokens of already."""


class EmbedRequest(Struct, frozen=True):
    """One call. `inputs` are all texts or all tokens; `alone`: there is one that did not come in a list.

    `dimensions` is how long each vector should be, None for the model's own length; `encoding` how the answer is to
    spell them, None where the caller did not say. `dialect` names who wrote `extra`.
    """

    model: str
    inputs: tuple[str, ...] | tuple[TokenIds, ...]
    alone: bool = False
    dimensions: int | None = None
    encoding: Encoding | None = None
    user: str | None = None
    dialect: str = ""
    extra: Extra = {}

    def aimed(self, aim: Aim) -> "EmbedRequest":
        """The same call for one target. An answer is as long as its vectors, and there is nothing to bound."""
        return replace(self, model=aim.model)


class Embedding(Struct, frozen=True):
    """The vector of the input at `index`: float32, little-endian."""

    index: int
    vector: bytes
    extra: Extra = {}


class EmbedResponse(Struct, frozen=True):
    """A whole answer. `encoding` is how its provider spelt the vectors; `dialect` names who wrote every `extra`."""

    model: str
    embeddings: tuple[Embedding, ...]
    usage: Usage | None = None
    encoding: Encoding = "float"
    dialect: str = ""
    extra: Extra = {}

    def gist(self) -> Gist:
        """One piece for each vector, and no words."""
        return Gist(self.model, self.usage, pieces=len(self.embeddings), in_tokens=False)
