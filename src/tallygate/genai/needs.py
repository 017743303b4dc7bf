"""What a chat request asks of a model besides words, and whether a model is known to lack it. Pure.

Only what changes the answer is a need. How hard to think, where the model may choose, is a wish: a model that cannot
think answers all the same.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from tallygate.genai.catalog import Capabilities, Capability
from tallygate.genai.chat import ChatRequest, ReasoningOptions, ResponseFormat
from tallygate.genai.messages import Audio, Document, Image, Inline, Part, ToolResult

TOOLS: Final = "tools"
FORMAT: Final = "response_format"
EFFORT: Final = "reasoning.effort"
THOUGHT: Final = "reasoning.tokens_max"
"""The paths of what is not said in a message. Dialects spell them as their callers do."""

_NO_EFFORT: Final = (None, "none")


class Need(Struct, frozen=True):
    """One capability that a request asks for, and the first field that asks for it.

    `path` is the vocabulary's (``messages[0].content[1]``, ``tools``, ``response_format``, ``reasoning.effort``);
    `dialects.spelling` knows the caller's own.
    """

    capability: Capability
    path: str


def find_needs(request: ChatRequest) -> tuple[Need, ...]:
    """What a request asks for, each capability once, with the first field that asks for it."""
    first: dict[Capability, Need] = {}
    for need in _walk(request):
        first.setdefault(need.capability, need)
    return tuple(first.values())


def lacks(capabilities: Capabilities, needs: Sequence[Need]) -> tuple[Need, ...]:
    """Those of the needs that a model is known not to meet."""
    return tuple(need for need in needs if capabilities.knows(need.capability) is False)


def _walk(request: ChatRequest) -> Iterator[Need]:
    yield from _look_at_parts(request.system, "system")
    for index, message in enumerate(request.messages):
        yield from _look_at_parts(message.parts, f"messages[{index}].content")
    if request.tools:
        yield Need("tools", TOOLS)
    if shape := _find_shape(request.response_format):
        yield Need(shape, FORMAT)
    if path := _find_thought(request.reasoning):
        yield Need("reasoning", path)


def _look_at_parts(parts: Sequence[Part], path: str) -> Iterator[Need]:
    for index, part in enumerate(parts):
        at = f"{path}[{index}]"
        match part:
            case Image():
                yield Need("vision", at)
            case Audio():
                yield Need("audio", at)
            case Document() if not _is_text(part):
                yield Need("pdf", at)
            case ToolResult():
                yield from _look_at_parts(part.parts, f"{at}.content")
            case _:
                pass


def _is_text(document: Document) -> bool:
    """Plain text is read as any other words are."""
    source = document.source
    return isinstance(source, Inline) and source.media_type.startswith("text/")


def _find_shape(wanted: ResponseFormat | None) -> Capability | None:
    if wanted is None or wanted.kind == "text":
        return None
    return "json_mode" if wanted.kind == "json_object" else "json_schema"


def _find_thought(options: ReasoningOptions | None) -> str:
    """The field that demands thinking. What is left to the model, and an effort that goes with that, are wishes."""
    if options is None or options.enabled is False or options.tokens_max == 0:
        return ""
    if options.tokens_max is not None:
        return THOUGHT
    return EFFORT if options.enabled is None and options.effort not in _NO_EFFORT else ""
