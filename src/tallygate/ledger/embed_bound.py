"""The most that a call for embeddings can cost: what goes in, for nothing comes out that is charged for.

A text is at most as many tokens as it has bytes, whatever tokenizer makes them; tokens that the caller made count as
themselves. What nobody here knows may be an instruction that a server puts before each text, or more to embed.
docs/reference/prices.md gives the reasoning. Pure.
"""

from collections.abc import Callable, Sequence
from typing import Final

from tallygate.errors import Unpriced
from tallygate.genai.ceilings import Reach
from tallygate.genai.chat import count_bytes
from tallygate.genai.embeddings import EmbedRequest, TokenIds
from tallygate.genai.items import Bound
from tallygate.genai.peek import Peek
from tallygate.genai.usage import Usage
from tallygate.ledger.bound import bound_usage, refuse_passing_by
from tallygate.ledger.money import round_up
from tallygate.ledger.prices import Price

MARK_TOKENS: Final = 16
"""What a model puts around each text of its own accord: marks of its beginning and end, a word what it is for."""

_KNOWN: Final = frozenset({"model", "input", "dimensions", "encoding_format", "user", "stream"})
"""Members that no provider makes tokens of, and the input, which is counted."""


def bound_embeddings(
    price: Price, peek: Peek, body: bytes, reaches: Sequence[Reach], read: Callable[[bytes], EmbedRequest]
) -> Bound:
    """The bound of a call for embeddings at a sale price, over the targets of its plan.

    Raises Unpriced, UnsupportedParameter with the path of what cannot be bounded, and what `read` raises.
    """
    if price.free:
        return Bound(0, 0, 0, input_tokens_max=_find_most(peek, body, reaches, read))
    if any(rates.input is None for rates in price.every_rates()):
        raise Unpriced(param="model")
    refuse_passing_by(peek, body)
    most = _find_most(peek, body, reaches, read)
    fixed_pusd, _ = bound_usage(price, Usage(input_tokens=most))
    return Bound(round_up(fixed_pusd), 0, 0, input_tokens_max=most)


def _find_most(peek: Peek, body: bytes, reaches: Sequence[Reach], read: Callable[[bytes], EmbedRequest]) -> int:
    inputs, unknown_bytes = read(body).inputs, _count_unknown(peek)
    return max((count_most(inputs, reach, unknown_bytes) for reach in reaches), default=0)


def count_most(inputs: Sequence[str] | Sequence[TokenIds], reach: Reach, added_tokens: int = 0) -> int:
    """The most tokens that the inputs can be at one target: of none of them it reads more than its context holds.
    `added_tokens`: what may be put before each.
    """
    return sum(_cut(_count_one(one) + MARK_TOKENS + added_tokens, reach.context_tokens) for one in inputs)


def _count_unknown(peek: Peek) -> int:
    """The bytes of members that a provider may read as more text."""
    spans = peek.spans.items()
    return sum(span.end - span.value_start for name, span in spans if name not in _KNOWN and name not in peek.own)


def _count_one(one: str | TokenIds) -> int:
    return count_bytes(one) if isinstance(one, str) else len(one)


def _cut(tokens: int, context_tokens: int | None) -> int:
    return tokens if context_tokens is None else min(tokens, context_tokens)
