"""What the walk knows of any request and of any answer, whatever is asked of a model: a chat, embeddings, a picture.

Each operation has values of its own beside this file, which satisfy these protocols; the walk itself tells no operation
from another. What only one of them has stays with it.
"""

from types import MappingProxyType
from typing import Protocol, Self

from msgspec import Struct

from tallygate.genai.caching import CacheHint
from tallygate.genai.inlining import Media
from tallygate.genai.usage import Usage


class Aim(Struct, frozen=True):
    """What the walk decides for a request that is written anew for one target. None: nothing is to be bounded.

    `trial`: the caller switched on features in trial of another dialect. `cache_hints`: those that the target knows
    beside what its dialect has of its own. `media`: what was fetched for a target that fetches nothing itself.
    """

    model: str
    output_tokens_max: int | None = None
    include_usage: bool = False
    trial: bool = False
    cache_hints: frozenset[CacheHint] = frozenset()
    media: Media = MappingProxyType({})


class Gist(Struct, frozen=True):
    """What the walk takes down of a whole answer.

    `pieces` counts what was made: an answer with none says nothing. `in_tokens`: it was made of tokens of output, as
    words are and vectors are not; how many they were is told by `text_bytes` (UTF-8) where nobody has counted them.
    `finish_reasons` by the index of the choice.
    """

    model: str
    usage: Usage | None
    pieces: int
    in_tokens: bool = True
    text_bytes: int = 0
    finish_reasons: dict[int, str] = {}


class Request(Protocol):
    """One call as a value."""

    def aimed(self, aim: Aim) -> Self:
        """The same call for that target."""
        ...


class Response(Protocol):
    """One whole answer as a value."""

    def gist(self) -> Gist:
        """What the walk takes down of it."""
        ...
