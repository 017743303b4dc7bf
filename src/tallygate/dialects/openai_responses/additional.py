"""Tools that a request adds in the middle of its input, in items of type `additional_tools`.

Other wires have one place for tools, so these are read as tools of the request, each with a note of the item it stood
in under ``additional``, by which the items are written again. Codex gives all its tools so to the models it knows.
Source: developers.openai.com/api/reference/responses (input).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from msgspec import structs

from tallygate.genai.chat import Tool
from tallygate.genai.messages import Extra

ADDITIONAL: Final = "additional"
"""Under which name a tool keeps the members of its item, with its place in the input as `_INDEX`."""

_TYPE: Final = "additional_tools"
_INDEX: Final = "index"


def list_additional(value: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    """The items that add tools in `input`, as decoded JSON, each with its place. One without tools is none."""
    items = cast("list[Any]", value) if isinstance(value, list) else []
    return ((index, item) for index, item in enumerate(items) if is_additional(item))


def is_additional(item: Any) -> bool:
    """True for an item that adds tools."""
    members = cast("dict[str, Any]", item) if isinstance(item, dict) else {}
    return members.get("type") == _TYPE and isinstance(members.get("tools"), list) and bool(members["tools"])


def note_item(tool: Tool, index: int, members: Extra) -> Tool:
    """The tool with a note of its item: its place in the input, and its members but for the tools."""
    return structs.replace(tool, extra={**tool.extra, ADDITIONAL: {_INDEX: index, **members}})


def split_additional(tools: Sequence[Tool]) -> tuple[tuple[Tool, ...], dict[int, tuple[Extra, list[Tool]]]]:
    """The tools that stand beside the input, and the others by the place of their item, with its members."""
    beside: list[Tool] = []
    added: dict[int, tuple[Extra, list[Tool]]] = {}
    for tool in tools:
        note = tool.extra.get(ADDITIONAL)
        if note is None:
            beside.append(tool)
            continue
        bare = structs.replace(tool, extra={name: value for name, value in tool.extra.items() if name != ADDITIONAL})
        members = {name: value for name, value in note.items() if name != _INDEX}
        added.setdefault(note[_INDEX], (members, []))[1].append(bare)
    return tuple(beside), added


def put_back(items: list[dict[str, Any]], added: Mapping[int, dict[str, Any]]) -> None:
    """Put the written items that add tools into an input, each at its place."""
    for index, item in sorted(added.items()):
        items.insert(index, {"type": _TYPE, **item})
