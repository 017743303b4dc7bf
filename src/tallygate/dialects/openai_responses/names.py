"""Functions in a namespace, under one name: `NAMESPACE__FUNCTION`, as other wires know no namespaces.

Source: developers.openai.com/api/docs/guides/function-calling (namespaces). A call of such a function tells the two
apart again where the request's tools are known.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

_BETWEEN: Final = "__"


def join_name(namespace: str | None, name: str) -> str:
    """The one name of a function; its own if it is in no namespace."""
    return _prefix(namespace) + name if namespace else name


def split_name(namespace: str | None, name: str) -> str:
    """The name of a function within its namespace: what `join_name` was given."""
    return name.removeprefix(_prefix(namespace)) if namespace else name


def _prefix(namespace: str) -> str:
    return namespace if namespace.endswith(_BETWEEN) else namespace + _BETWEEN


def map_namespaces(tools: Any) -> Mapping[str, str]:
    """From the one name of each function that stands in a namespace of `tools`, as decoded JSON, to the namespace."""
    return dict(_walk(tools))


def list_custom(tools: Any) -> frozenset[str]:
    """The names of all custom tools among `tools`, as decoded JSON; in a namespace, their joined names."""
    placed = [(None, tool) for tool in _objects(tools)]
    placed += [
        (space["name"], tool)
        for _, space in placed
        if space.get("type") == "namespace" and isinstance(space.get("name"), str)
        for tool in _objects(space.get("tools"))
    ]
    return frozenset(
        join_name(space, tool["name"])
        for space, tool in placed
        if tool.get("type") == "custom" and isinstance(tool.get("name"), str)
    )


def _walk(tools: Any) -> Iterator[tuple[str, str]]:
    for tool in _objects(tools):
        namespace = tool.get("name")
        if tool.get("type") == "namespace" and isinstance(namespace, str):
            for inner in _objects(tool.get("tools")):
                name = inner.get("name")
                if isinstance(name, str):
                    yield join_name(namespace, name), namespace


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    items = cast("list[Any]", value) if isinstance(value, list) else []
    return (cast("dict[str, Any]", item) for item in items if isinstance(item, dict))
