"""The most input tokens that the parts of a request can come to, beyond the bytes of its text.

Text is bounded by its bytes, media by the provider's ceilings or the model's context window. What nobody here can see
is refused: guessing would make the hold a hope. Pure; the request comes from a dialect's reader.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final, cast

from msgspec import Struct

from tallygate.dialects.openai_responses.losses import NAME as RESPONSES
from tallygate.errors import UnsupportedParameter
from tallygate.genai.ceilings import Reach
from tallygate.genai.chat import ChatRequest
from tallygate.genai.messages import (
    Audio,
    Document,
    Image,
    Inline,
    Message,
    Opaque,
    Part,
    Reasoning,
    Stored,
    ToolResult,
    Video,
)

AUDIO_BYTES_PER_S_MIN: Final = 1_000
"""No codec in use makes fewer: 8 kbit/s is the lowest rate of MP3 (ISO 13818-3), and WAV has more."""

# Members of a part whose content lies somewhere else, and types of parts inside parts that are not text.
_ELSEWHERE: Final = frozenset({"file_id", "container_id"})
_NOT_TEXT: Final = frozenset({
    "image", "document", "file", "audio", "video", "container_upload",
    "computer_screenshot", "input_image", "input_file",
})  # fmt: skip
_PICTURE_MADE: Final = "image_generation_call"
"""An earlier picture, which may be told by its id alone."""


class Carried(Struct, frozen=True):
    """What media in one request come to: `tokens`, and `inline_bytes` of the body that are theirs and not text."""

    tokens: int = 0
    inline_bytes: int = 0

    def __add__(self, other: "Carried") -> "Carried":
        return Carried(self.tokens + other.tokens, self.inline_bytes + other.inline_bytes)


def bound_media(request: ChatRequest, reach: Reach) -> Carried:
    """All media of a request at one target.

    Raises UnsupportedParameter with the path of what cannot be bounded: a file or an answer that only the provider
    holds, and media at a target of which neither ceiling nor context window is known.
    """
    carried = _sum(request.system, "system", reach)
    for index, message in enumerate(request.messages):
        path = f"messages[{index}]"
        _refuse_references(message, path)
        carried += _sum(message.parts, f"{path}.content", reach)
        if request.dialect == RESPONSES and not reach.foreign:  # another dialect's provider is sent no ids
            carried += _bound_thoughts(message, f"{path}.content", reach)
    return carried


def _bound_thoughts(message: Message, path: str, reach: Reach) -> Carried:
    """Thoughts that are told by their id alone: the provider may have kept them, of any length."""
    for index, part in enumerate(message.parts):
        if not isinstance(part, Reasoning) or part.encrypted is not None or part.signature is not None:
            continue
        if "id" not in part.extra or "content" in part.extra:
            continue
        if reach.context_tokens is None:
            raise _unseen(f"{path}[{index}]", "A thought without its `encrypted_content` lies at a provider and")
        return Carried(reach.context_tokens)
    return Carried()


def _refuse_references(message: Message, path: str) -> None:
    """An assistant's spoken answer may be told by its id alone (platform.openai.com/docs/guides/audio)."""
    if message.extra.get("audio") is not None:
        raise _unseen(f"{path}.audio", "An earlier spoken answer lies at its provider")


def _sum(parts: Iterable[Part], path: str, reach: Reach) -> Carried:
    carried = Carried()
    for index, part in enumerate(parts):
        carried += _bound_part(part, f"{path}[{index}]", reach)
    return carried


def _bound_part(part: Part, path: str, reach: Reach) -> Carried:
    match part:
        case Image() | Audio() | Video() | Document():
            return _bound_one(part, path, reach)
        case ToolResult():
            return _sum(part.parts, f"{path}.content", reach)
        case Opaque():
            told_by_id = part.kind == _PICTURE_MADE and not part.extra.get("result")
            if told_by_id or any(map(_is_unseen, _walk({"type": part.kind, **part.extra}))):
                raise _unseen(path, f"What a part of type {part.kind} holds")
            return Carried()
        case _:
            return Carried()


def _bound_one(part: Image | Audio | Video | Document, path: str, reach: Reach) -> Carried:
    source, ceilings = part.source, reach.ceilings
    kind = part.__struct_config__.tag
    if isinstance(source, Stored):
        if ceilings.stored_file_tokens is None:
            raise _unseen(path, "A file that lies at a provider")
        return Carried(ceilings.stored_file_tokens)
    if isinstance(source, Inline) and isinstance(part, Document) and source.media_type.startswith("text/"):
        return Carried()  # its base64 is longer than its text, and stands in the body
    inline_bytes = len(source.data) if isinstance(source, Inline) else 0
    tokens: int | None
    match part:
        case Image():
            tokens = ceilings.image_tokens
        case Video():
            tokens = ceilings.video_tokens
        case Document():
            known_kind = not isinstance(source, Inline) or source.media_type == "application/pdf"
            tokens = ceilings.document_tokens if known_kind else None
        case Audio():
            tokens = _bound_sound(inline_bytes, ceilings.audio_tokens_per_s)
    known = [limit for limit in (tokens, reach.context_tokens) if limit is not None]
    if not known:
        raise UnsupportedParameter(
            f"`{path}` cannot be priced before the call: how many tokens a part of type {kind} can come to is not "
            "known for this model.",
            param=path,
        )
    return Carried(min(known), inline_bytes)


def _bound_sound(base64_bytes: int, tokens_per_s: int | None) -> int | None:
    """The longest that so many bytes can sound, in tokens. None for a sound that is not in the request."""
    if tokens_per_s is None or not base64_bytes:
        return None
    return (base64_bytes * 3 // 4 // AUDIO_BYTES_PER_S_MIN + 1) * tokens_per_s


def _walk(value: Any) -> Iterator[dict[str, Any]]:
    """Every object inside, the outermost too."""
    left: list[Any] = [value]
    while left:
        node = left.pop()
        if isinstance(node, dict):
            members = cast("dict[str, Any]", node)
            yield members
            left.extend(members.values())
        elif isinstance(node, list):
            left.extend(cast("list[Any]", node))


def _is_unseen(node: dict[str, Any]) -> bool:
    """Whether an object is media, or names what lies elsewhere. A document made of text is neither."""
    if any(node.get(name) is not None for name in _ELSEWHERE):
        return True
    source: Any = node.get("source")
    plain = isinstance(source, dict) and cast("dict[str, Any]", source).get("type") in ("text", "content")
    return node.get("type") in _NOT_TEXT and not (plain and node["type"] == "document")


def _unseen(path: str, what: str) -> UnsupportedParameter:
    return UnsupportedParameter(
        f"{what} cannot be seen here, so `{path}` cannot be priced before the call.", param=path
    )
