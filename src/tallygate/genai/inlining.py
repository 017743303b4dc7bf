"""Media behind URLs put into a request, for who takes it no other way. Pure: `transport.fetch` fetches it.

What was fetched must be what the part says it is: whoever names a web page a document would have it read as one.
"""

import base64
from collections.abc import Callable, Mapping
from typing import Final

from msgspec.structs import replace

from tallygate.errors import MediaUnavailable
from tallygate.genai.messages import Audio, Document, Image, Inline, Message, Part, Remote, ToolResult, Video

Media = Mapping[str, tuple[str, bytes]]
"""What URLs led to: media type and bytes."""

_FITS: Final[Mapping[type[Image | Audio | Video | Document], Callable[[str], bool]]] = {
    Image: frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"}).__contains__,
    Audio: lambda media_type: media_type.startswith("audio/"),
    Video: lambda media_type: media_type.startswith("video/"),
    Document: "application/pdf".__eq__,
}


def inline_messages(messages: tuple[Message, ...], media: Media) -> tuple[Message, ...]:
    """The messages with what was fetched in the place of its URLs. Raises MediaUnavailable with the part's path."""
    return tuple(
        replace(message, parts=inline_parts(message.parts, f"messages[{index}].content", media))
        for index, message in enumerate(messages)
    )


def inline_parts(parts: tuple[Part, ...], path: str, media: Media) -> tuple[Part, ...]:
    """As `inline_messages`, for parts."""
    return tuple(_inline(part, f"{path}[{index}]", media) for index, part in enumerate(parts))


def _inline(part: Part, path: str, media: Media) -> Part:
    if isinstance(part, ToolResult):
        return replace(part, parts=inline_parts(part.parts, f"{path}.content", media))
    if not isinstance(part, Image | Audio | Video | Document) or not isinstance(part.source, Remote):
        return part
    if part.source.url not in media:
        return part
    media_type, data = media[part.source.url]
    if not _FITS[type(part)](media_type):
        kind = part.__struct_config__.tag
        raise MediaUnavailable(f"What the URL at `{path}` leads to is not a part of type {kind}.", param=path)
    return replace(part, source=Inline(media_type, base64.b64encode(data).decode()))
