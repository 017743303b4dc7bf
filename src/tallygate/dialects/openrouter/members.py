"""What a request of this wire holds beyond OpenAI's, and what becomes of it (openrouter.ai/docs/api-reference).

A wish about who serves is read by `preferences`; the rest is left out where that does no harm, and told, or refused.
docs/reference/openrouter.md says the same to users. What is not named here is OpenAI's, or unknown, and goes on so.
"""

from collections.abc import Iterator
from types import MappingProxyType
from typing import Any, Final

from tallygate.dialects.fields import Fields
from tallygate.errors import UnsupportedParameter

ROUTING: Final = ("models", "provider")
"""Wishes about who serves a call: read, and never sent to a provider."""

GRANTED: Final = ("usage", "route")
"""They ask for what is done anyhow: usage and cost are always told, and `models` are tried one after another."""

HARMLESS: Final = frozenset({
    "debug",  # asks for the provider's request beside the answer; the answer is the same
    "include_reasoning",  # whether thoughts are shown; they are thought all the same
    "session_id",  # keeps a client's calls at one server, for its cache
    "trace",  # the client's own marks, for reports elsewhere
    "transforms",  # what is left out of a long prompt; here the model sees all of it, or its provider refuses it
})  # fmt: skip

REFUSED: Final = MappingProxyType({
    "preset": "Settings that are stored elsewhere are not known here; send them with the call.",
})  # fmt: skip

HARMLESS_PLUGINS: Final = frozenset({
    "auto-beta-router",  # chooses for a model that is not here; names are looked up exactly
    "auto-router",  # the same
    "context-compression",  # as `transforms`
    "file-parser",  # reads documents for models that cannot; here they go to a model that can, or are refused
    "jev-router",  # as `auto-router`
    "pareto-router",  # the same
    "response-healing",  # mends what a model says; here it is told as it was said
})  # fmt: skip
"""Every other plugin changes the answer, or what may be asked, and is refused."""

OURS: Final = frozenset({*ROUTING, *GRANTED, *HARMLESS, *REFUSED, "plugins"})
"""The members that are taken out before a request is read as OpenAI's."""

_SILENT: Final[tuple[Any, ...]] = (None, [], {})


def list_dropped(members: dict[str, Any]) -> Iterator[str]:
    """The paths of what is left out of these members. Raises UnsupportedParameter, InvalidValue for what cannot be."""
    fields = Fields(members)
    for name, because in REFUSED.items():
        if fields.look(name) not in _SILENT:
            raise _refuse(name, because)
    for name in sorted(HARMLESS & members.keys()):
        value = members[name]
        if value not in _SILENT and not (name == "include_reasoning" and value is True):
            yield name
    if fields.text("route") not in (None, "fallback"):
        raise fields.refuse("fallback", "route")
    fields.object("usage")
    for index, item in enumerate(fields.array("plugins")):
        plugin = Fields(item, f"plugins[{index}]")
        kind = plugin.need_text("id")
        if plugin.flag("enabled") is False:
            continue
        if kind not in HARMLESS_PLUGINS:
            raise _refuse(f"plugins[{index}]", f"There is no plugin {kind[:64]!r} here.")
        yield f"plugins.{kind}"


def take_out(members: dict[str, Any]) -> dict[str, Any]:
    """The members that are OpenAI's."""
    return {name: value for name, value in members.items() if name not in OURS}


def _refuse(path: str, because: str) -> UnsupportedParameter:
    return UnsupportedParameter(f"`{path}` cannot be honoured. {because}", param=path)
