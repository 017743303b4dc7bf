"""What is to be embedded: a text, texts, a text as tokens, texts as tokens, and nothing of two kinds
(platform.openai.com/docs/api-reference/embeddings/create, `input`).
"""

from typing import Annotated, Any, Final, cast

import msgspec
from msgspec import Meta, Struct

from tallygate.dialects.faults import explain
from tallygate.errors import InvalidValue
from tallygate.genai.embeddings import TokenIds

INPUTS_MAX: Final = 2_048
_TOKEN_ID_MAX: Final = 2**31 - 1

_Text = Annotated[str, Meta(min_length=1)]
_Id = Annotated[int, Meta(ge=0, le=_TOKEN_ID_MAX)]
_Ids = Annotated[tuple[_Id, ...], Meta(min_length=1)]
_Few = Meta(min_length=1, max_length=INPUTS_MAX)

Inputs = tuple[str, ...] | tuple[TokenIds, ...]

KINDS: Final = (
    f"a string that is not empty, a list of 1 to {INPUTS_MAX} of them, a list of token ids, or a list of 1 to "
    f"{INPUTS_MAX} such lists"
)
_AN_ID: Final = f"a token id, from 0 to {_TOKEN_ID_MAX}"


class _Kind(Struct, frozen=True):
    """One kind of input: its type, whether it is one alone, and what its items must be."""

    shape: Any
    alone: bool
    items: str = ""


_TEXT: Final = _Kind(_Text, alone=True)
_TEXTS: Final = _Kind(Annotated[tuple[_Text, ...], _Few], alone=False, items="a string that is not empty")
_TOKENS: Final = _Kind(_Ids, alone=True, items=_AN_ID)
_MANY_TOKENS: Final = _Kind(Annotated[tuple[_Ids, ...], _Few], alone=False, items="a list of at least one token id")


def read_input(value: Any) -> tuple[Inputs, bool]:
    """The inputs in decoded JSON, and whether there is one alone. Raises InvalidValue with the path."""
    kind = _find_kind(value)
    try:
        read = msgspec.convert(value, kind.shape)
    except msgspec.ValidationError as error:
        expected = {"input": KINDS, "input[]": f"{kind.items}, as the first one is", "input[][]": _AN_ID}
        raise explain(error, expected, "input") from None
    return (read,) if kind.alone else read, kind.alone


def _find_kind(value: Any) -> _Kind:
    """The kind of the first item: all others must be of it."""
    if isinstance(value, str):
        return _TEXT
    if not isinstance(value, list) or not value:
        raise InvalidValue(f"`input` must be {KINDS}.", param="input")
    match cast("list[Any]", value)[0]:
        case str():
            return _TEXTS
        case list():
            return _MANY_TOKENS
        case int() as first if not isinstance(first, bool):
            return _TOKENS
        case _:
            raise InvalidValue("`input[0]` must be a string, a token id or a list of token ids.", param="input[0]")


def write_input(inputs: Inputs, *, alone: bool) -> Any:
    """The inputs as they stand in a request."""
    return inputs[0] if alone else inputs
