"""What a caller calls the field that asks something of a model, and what the words of a wire cannot ask at all.

`genai.needs` finds needs in the vocabulary's own terms; here they get the path that stands in the caller's body, for an
error to name. What a model can do is known to the providers and the operator, not here.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, cast

import msgspec

from tallygate.genai.catalog import Capabilities, Capability
from tallygate.genai.needs import EFFORT, FORMAT, THOUGHT, Need

_OPENAI: Final = {FORMAT: "response_format", EFFORT: "reasoning_effort", THOUGHT: "reasoning.max_tokens"}
_SPELT: Final[Mapping[str, Mapping[str, str]]] = {
    # An effort is a wish on this wire: it says how many words to spend, also of a model that does not think.
    "anthropic_messages": {FORMAT: "output_config.format", EFFORT: "", THOUGHT: "thinking"},
    "openai_responses": {FORMAT: "text.format", EFFORT: "reasoning.effort", THOUGHT: "reasoning"},
}

_TYPES: Final[Mapping[Capability, frozenset[str]]] = {
    "vision": frozenset({"image", "image_url", "input_image"}),
    "audio": frozenset({"input_audio", "audio_url"}),
    "pdf": frozenset({"document", "file", "input_file"}),
}
"""What the wires call a part that only a model with that capability can take."""

CONVERSATION: Final = ("system", "messages", "input", "instructions", "prompt")
"""Members of the wires that hold what is said to a model, in the order in which they are read."""

BEYOND_WORDS: Final[Mapping[str, Capabilities]] = MappingProxyType(
    {"anthropic_messages": Capabilities(audio=False, json_mode=False)}
)
"""What a wire has no words for, so that no model behind it can be asked (platform.claude.com/docs/en/api/messages)."""


def spell_need(need: Need, dialect: str, body: bytes) -> str:
    """The path of the field in a body of that dialect; empty if it is but a wish there."""
    types = _TYPES.get(need.capability)
    if types is None:
        return _SPELT.get(dialect, _OPENAI).get(need.path, need.path)
    return next(_find_parts(_decode(body), types), need.path)


def _decode(body: bytes) -> Mapping[str, Any]:
    """A body that has been read before."""
    return msgspec.json.decode(body, type=dict[str, Any])


def _find_parts(members: Mapping[str, Any], types: frozenset[str]) -> Iterator[str]:
    for name in CONVERSATION:
        yield from _walk(members.get(name), name, types)


def _walk(value: Any, path: str, types: frozenset[str]) -> Iterator[str]:
    """The paths of parts of one of the types, in the order in which they stand."""
    if isinstance(value, list):
        for index, item in enumerate(cast("Sequence[Any]", value)):
            yield from _walk(item, f"{path}[{index}]", types)
    elif isinstance(value, dict):
        part = cast("Mapping[str, Any]", value)
        if part.get("type") in types and not _is_text(part):
            yield path
        for name in ("content", "output"):
            yield from _walk(part.get(name), f"{path}.{name}", types)


def _is_text(part: Mapping[str, Any]) -> bool:
    """A document made of text is read as any other words are."""
    source, file = part.get("source"), part.get("file", part)
    if isinstance(source, dict) and cast("Mapping[str, Any]", source).get("type") in ("text", "content"):
        return True
    data = cast("Mapping[str, Any]", file).get("file_data") if isinstance(file, dict) else None
    return isinstance(data, str) and data[:10].lower() == "data:text/"
