"""Which provider a model of LiteLLM's stands for here, and the section that says so. Nothing is asked or opened.

Deployments that differ in address, key or limits become providers of their own, for here these are a provider's.
"""

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Final
from urllib.parse import urlsplit

from msgspec import Struct, structs

from tallygate.providers.litellm import KINDS, Kind
from tallygate.providers.registry import load_rows

_CHAT_PATHS: Final = {"openai_chat": "/chat/completions", "openai_embeddings": "/embeddings"}


class Unplaceable(Exception):
    """A model cannot be called through this gateway. The text says why, and what to do instead."""


class Place(Struct, frozen=True):
    """A provider as it is wanted: the name it would like to have, and its settings.

    `row` is the provider here whose models it has, if any; `is_row` says that it is that one, with nothing changed.
    """

    name: str
    settings: tuple[tuple[str, Any], ...] = ()
    row: str = ""
    is_row: bool = False
    key_env: str = ""
    needs_key: bool = True


class Origin(Struct, frozen=True):
    """A prefix of LiteLLM's with the model's name after it."""

    kind: Kind
    prefix: str
    model: str


def find_origin(model: str, custom_provider: str = "") -> Origin:
    """What a name of LiteLLM's means. Raises Unplaceable."""
    prefix, slash, rest = model.partition("/")
    if custom_provider:
        prefix, rest = custom_provider, rest if slash and prefix == custom_provider else model
    elif not slash:
        prefix, rest = _claim(model), model
    kind = KINDS.get(prefix)
    if kind is None:
        raise Unplaceable(
            f'no provider "{prefix}" is known here; if it speaks OpenAI\'s language, name it with openai/ and api_base'
        )
    if kind.refusal:
        raise Unplaceable(kind.refusal)
    return Origin(kind, prefix, rest)


def _claim(model: str) -> str:
    for name, row in load_rows().items():
        if any(fnmatchcase(model, pattern) for pattern in row.claims):
            return name
    raise Unplaceable(f'"{model[:80]}" says no provider, and none here is known for names of that shape')


def find_place(origin: Origin, api_base: str) -> Place:
    """The provider for an address; the empty one is the usual. Raises Unplaceable."""
    kind = origin.kind
    if kind.row and not (api_base and _is_foreign(kind, api_base)):
        return _place_row(kind, api_base)
    base_url = api_base or kind.base_url
    if not base_url:
        raise Unplaceable("it needs an api_base")
    if urlsplit(base_url).scheme not in ("http", "https") or not urlsplit(base_url).hostname:
        raise Unplaceable("its api_base is not a URL that begins with http:// or https://")
    if kind.row:
        return _place_foreign(kind, base_url)
    settings: dict[str, Any] = {"base_url": _complete(base_url, kind.suffix), "speaks": _CHAT_PATHS}
    if kind.output_cap_key:
        settings["output_cap_key"] = kind.output_cap_key
    if kind.is_local:
        settings["free"] = True
    return Place(kind.name or origin.prefix, tuple(settings.items()), key_env=kind.key_env, needs_key=not kind.is_local)


def _place_row(kind: Kind, api_base: str) -> Place:
    row = load_rows()[kind.row]
    if not api_base or _strip(api_base) == row.base_url:
        return Place(kind.row, row=kind.row, is_row=True, key_env=kind.key_env, needs_key=not kind.is_local)
    # An engine of one's own, at another address than the usual: its row's paths begin with what is stripped.
    settings = {"base_url": _strip(api_base), "speaks": dict(row.speaks), "free": True}
    return Place(kind.row, tuple(settings.items()), row=kind.row, needs_key=False)


def _place_foreign(kind: Kind, base_url: str) -> Place:
    """Somebody else's server that speaks as the vendor does: none of the vendor's names, prices or figures are its."""
    row = load_rows()[kind.row]
    speaks_ours = "openai_chat" in row.speaks
    settings: dict[str, Any] = {
        "base_url": base_url.rstrip("/") if speaks_ours else _strip(base_url),
        "speaks": _CHAT_PATHS if speaks_ours else dict(row.speaks),
    }
    if row.auth != "bearer":
        settings["auth"] = row.auth
    return Place(_name_host(base_url), tuple(settings.items()), needs_key=False)


def _is_foreign(kind: Kind, api_base: str) -> bool:
    """Whether an address is not the vendor's own. An engine of one's own may be anywhere."""
    own = urlsplit(load_rows()[kind.row].base_url).hostname
    return not kind.is_local and urlsplit(api_base).hostname != own


def _strip(base_url: str) -> str:
    """An address without the version that our paths begin with."""
    return re.sub(r"(/api)?/v1(beta)?(/messages|/openai)?\Z", "", base_url.rstrip("/"))


def _complete(base_url: str, suffix: str) -> str:
    cut = base_url.rstrip("/")
    if not suffix:
        return cut
    return cut.split("/openai", 1)[0] + suffix


def _name_host(base_url: str) -> str:
    host = urlsplit(base_url).hostname or ""
    return re.sub(r"[^a-z0-9]+", "-", host.lower()).strip("-")[:40] or "server"


def stand_alone(place: Place) -> Place:
    """A second provider with a row's models under another name: it must say itself what the row said."""
    row = load_rows()[place.row]
    said: Mapping[str, Any] = dict(place.settings)
    own: dict[str, Any] = {"base_url": row.base_url, "speaks": dict(row.speaks)}
    if row.auth not in ("bearer", "none"):
        own["auth"] = row.auth
    if place.key_env:
        own["api_key_env"] = place.key_env
    if row.output_cap_key != "max_tokens":
        own["output_cap_key"] = row.output_cap_key
    return structs.replace(place, settings=tuple({**own, **said}.items()), is_row=False)
