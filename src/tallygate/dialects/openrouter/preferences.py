"""Who shall serve a call: `model` with a suffix, `models`, and the members of `provider`, as wishes that the router
obeys (openrouter.ai/docs/features/provider-routing). Nothing of it is ever sent to a provider.

What only puts some before others may be left out, and is told; what shuts providers out and cannot be honoured is
refused, because the call would go where its caller does not want it.
"""

from decimal import ROUND_FLOOR, Context, Decimal
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Raw, Struct

from tallygate.dialects.faults import explain
from tallygate.errors import InvalidValue, UnsupportedParameter
from tallygate.genai.routing import Routing, Sort

NAMES_MAX: Final = 64
NAME_CHARACTERS_MAX: Final = 256
MODELS_MAX: Final = 32
USD_MAX: Final = Decimal(10**9)
"""No price is higher."""

SUFFIXES: Final[dict[str, Sort]] = {":nitro": "throughput", ":floor": "price"}
"""What may follow a model's name. Every other suffix is a part of the name."""

_TOKEN_PLACES: Final = 6  # USD per million tokens: a millionth of that is a pico-USD per token
_UNIT_PLACES: Final = 12
_EXACT: Final = Context(prec=80, rounding=ROUND_FLOOR)

_Name = Annotated[str, Meta(min_length=1, max_length=NAME_CHARACTERS_MAX)]
_Names = Annotated[list[_Name], Meta(max_length=NAMES_MAX)]


class _Sorting(Struct):
    by: Literal["price", "throughput", "latency", "exacto"] | None = None
    partition: Literal["model", "none"] | None = None


class _Prices(Struct):
    prompt: Decimal | None = None
    completion: Decimal | None = None
    request: Decimal | None = None
    image: Decimal | None = None


class _Preferences(Struct):
    order: _Names | None = None
    only: _Names | None = None
    ignore: _Names | None = None
    allow_fallbacks: bool | None = None
    require_parameters: bool | None = None
    data_collection: Literal["allow", "deny"] | None = None
    zdr: bool | None = None
    sort: Literal["price", "throughput", "latency", "exacto"] | _Sorting | None = None
    max_price: _Prices | None = None


class _Body(Struct):
    model: Any = None
    models: Annotated[list[_Name], Meta(max_length=MODELS_MAX)] | None = None
    provider: _Preferences | None = None


class _Unread(Struct):
    provider: dict[str, Raw] | None = None


class _UnreadPrices(Struct):
    max_price: dict[str, Raw] | None = None


class _OuterPrices(Struct):
    provider: _UnreadPrices | None = None


_BODY = msgspec.json.Decoder(_Body)
_UNREAD = msgspec.json.Decoder(_Unread)
_UNREAD_PRICES = msgspec.json.Decoder(_OuterPrices)

_KNOWN: Final = frozenset(_Preferences.__struct_fields__)
_KNOWN_PRICES: Final = frozenset(_Prices.__struct_fields__)
_ONLY_PREFER: Final = frozenset({"preferred_max_latency", "preferred_min_throughput"})
_SILENT: Final = (b"null", b"false", b"[]", b"{}")

_A_NAME = f"a name of 1 to {NAME_CHARACTERS_MAX} characters"
_NAMES = f"a list of at most {NAMES_MAX} names of providers"
_SORTS = "price, throughput, latency or exacto"
_A_PRICE = f"a number of USD from 0 to {USD_MAX}, or its decimal text"
_EXPECTED = {
    "models": f"a list of at most {MODELS_MAX} names of models",
    "models[]": _A_NAME,
    "provider": "an object",
    **{f"provider.{name}": _NAMES for name in ("order", "only", "ignore")},
    **{f"provider.{name}[]": _A_NAME for name in ("order", "only", "ignore")},
    "provider.allow_fallbacks": "true or false",
    "provider.require_parameters": "true or false",
    "provider.data_collection": "allow or deny",
    "provider.zdr": "true or false",
    "provider.sort": f"{_SORTS}, or an object with `by`",
    "provider.sort.by": _SORTS,
    "provider.sort.partition": "model or none",
    "provider.max_price": "an object",
    **{f"provider.max_price.{name}": _A_PRICE for name in _KNOWN_PRICES},
}


class Wishes(Struct, frozen=True):
    """What a body wishes of who serves it. `model` is the name that is called, None where the body has none that could
    be one; `dropped` the paths of what is left out.
    """

    model: str | None
    routing: Routing
    dropped: tuple[str, ...] = ()


def read_wishes(body: bytes) -> Wishes:
    """The wishes of a body that is known to be a JSON object. Raises InvalidValue, UnsupportedParameter."""
    try:
        read = _BODY.decode(body)
    except msgspec.ValidationError as error:
        raise explain(error, _EXPECTED) from None
    wanted = read.provider or _Preferences()
    prices = wanted.max_price or _Prices()
    dropped = [] if read.provider is None else _judge_others(body)
    sort, unsorted = _read_sort(wanted)
    named = [read.model] if isinstance(read.model, str) else []
    cut = [_cut_suffix(name) for name in (*named, *(read.models or ()))]
    models = list(dict.fromkeys(name for name, _ in cut))
    suffixed: list[Sort] = [wish for _, wish in cut if wish is not None]
    chosen = sort or next(iter(suffixed), None)
    # All names are sorted by one wish.
    contrary = ["models.sort"] if any(wish != chosen for wish in suffixed) else []
    routing = Routing(
        models=tuple(models[1:]),
        order=tuple(wanted.order or ()),
        only=tuple(wanted.only or ()),
        ignore=tuple(wanted.ignore or ()),
        allow_fallbacks=wanted.allow_fallbacks is not False,
        require_parameters=bool(wanted.require_parameters),
        sort=chosen,
        private=bool(wanted.zdr) or wanted.data_collection == "deny",
        input_pusd_max=_read_price(prices.prompt, "prompt", _TOKEN_PLACES),
        output_pusd_max=_read_price(prices.completion, "completion", _TOKEN_PLACES),
        call_pusd_max=_read_price(prices.request, "request", _UNIT_PLACES),
        image_pusd_max=_read_price(prices.image, "image", _UNIT_PLACES),
    )
    return Wishes(models[0] if models else None, routing, (*dropped, *unsorted, *contrary))


def _cut_suffix(name: str) -> tuple[str, Sort | None]:
    for suffix, wish in SUFFIXES.items():
        if name.endswith(suffix) and len(name) > len(suffix):
            return name.removesuffix(suffix), wish
    return name, None


def _read_sort(wanted: _Preferences) -> tuple[Sort | None, list[str]]:
    """What to sort by, and what of the wish is left out: nobody here knows how exact a provider's tools are."""
    sorting = wanted.sort if isinstance(wanted.sort, _Sorting) else _Sorting(by=wanted.sort)
    dropped = ["provider.sort.partition"] if sorting.partition == "none" else []
    by = sorting.by
    return (None, ["provider.sort", *dropped]) if by == "exacto" else (by, dropped)


def _read_price(usd: Decimal | None, name: str, places: int) -> int | None:
    """Whole pico-USD. What is below one is cut off: prices are whole, so the same ones fit."""
    if usd is None:
        return None
    if not usd.is_finite() or not 0 <= usd <= USD_MAX:
        path = f"provider.max_price.{name}"
        raise InvalidValue(f"`{path}` must be {_A_PRICE}.", param=path)
    return int(_EXACT.scaleb(usd, places))


def _judge_others(body: bytes) -> list[str]:
    """The paths of preferences that are left out. Raises UnsupportedParameter for those that would shut somebody out,
    and for unknown ones, which might.
    """
    dropped: list[str] = []
    for name, value in (_UNREAD.decode(body).provider or {}).items():
        if name in _KNOWN or bytes(value).strip() in _SILENT:
            continue
        if name not in _ONLY_PREFER:
            raise _refuse(f"provider.{name[:64]}")
        dropped.append(f"provider.{name}")
    outer = _UNREAD_PRICES.decode(body).provider
    for name, value in ((outer.max_price if outer else None) or {}).items():
        if name not in _KNOWN_PRICES and bytes(value).strip() not in _SILENT:
            raise _refuse(f"provider.max_price.{name[:64]}")
    return dropped


def _refuse(path: str) -> UnsupportedParameter:
    because = "this gateway does not know that of providers"
    return UnsupportedParameter(f"`{path}` cannot be honoured: {because}.", param=path)
