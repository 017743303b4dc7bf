"""The parts of a message's content, both ways: text, pictures, sounds, films, files, refusals.

Source: platform.openai.com/docs/api-reference/chat/create (messages); `video_url` from
openrouter.ai/docs/features/multimodal/videos, `audio_url` from docs.vllm.ai (multimodal inputs).
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, cast

from tallygate.dialects.fields import Fields, without_none
from tallygate.dialects.losses import Losses
from tallygate.genai.caching import mark_last, take_mark
from tallygate.genai.messages import (
    Audio,
    Document,
    Extra,
    Image,
    Inline,
    Opaque,
    Part,
    Refusal,
    Remote,
    Source,
    Stored,
    Text,
    Video,
)

_DATA_URL = re.compile(r"data:([^,;]+(?:;[^,;]+)*);base64,", re.IGNORECASE)
_WEB_URL = re.compile(r"https?://", re.IGNORECASE)

# The wire's word for a sound's format, and the media type it means (IANA registry).
_MEDIA_TYPES = {"mp3": "audio/mpeg", "wav": "audio/wav"}
_FORMATS = {media_type: name for name, media_type in _MEDIA_TYPES.items()} | {
    "audio/mp3": "mp3",
    "audio/wave": "wav",
    "audio/x-wav": "wav",
}

_A_URL = "an http(s) URL or a base64 data URL (data:TYPE;base64,…)"


def read_content(fields: Fields, *, needed: bool) -> tuple[Part, ...]:
    """A message's `content`, a string or a list of parts. Raises the error class of `fields` with the part's path."""
    value = fields.take("content")
    if value is None:
        if needed:
            raise fields.miss("content", "a string or a list of parts")
        return ()
    return read_parts(fields, "content", value)


def read_parts(fields: Fields, name: str, value: Any) -> tuple[Part, ...]:
    """The value of the member `name` of `fields`, as `read_content`."""
    if isinstance(value, str):
        return (Text(value),)
    if not isinstance(value, list):
        raise fields.refuse("a string or a list of parts", name)
    items = cast(list[Any], value)
    return tuple(read_part(Fields(item, f"{fields.at(name)}[{i}]", fields.wrong)) for i, item in enumerate(items))


def read_part(fields: Fields) -> Part:
    """One part of a list. Raises the error class of `fields` for a type that is not known here."""
    kind = fields.need_text("type")
    read = _READERS.get(kind)
    if read is None:
        raise fields.refuse(f"one of {', '.join(_READERS)}", "type")
    return read(fields)


def _read_text(fields: Fields) -> Text:
    return Text(fields.need_text("text"), extra=fields.rest())


def _read_refusal(fields: Fields) -> Refusal:
    return Refusal(fields.need_text("refusal"), extra=fields.rest())


def _read_image(fields: Fields) -> Image:
    if isinstance(fields.look("image_url"), str):
        # Not in the vendor's reference, but common enough among clients.
        return Image(_read_url(fields, fields.need_text("image_url"), "image_url"), extra=fields.rest())
    inner = fields.need_inside("image_url")
    source = _read_url(inner, inner.need_text("url"), "url")
    return Image(source, detail=inner.text("detail"), extra=fields.rest())


def _read_video(fields: Fields) -> Video:
    inner = fields.need_inside("video_url")
    return Video(_read_url(inner, inner.need_text("url"), "url"), extra=fields.rest())


def _read_audio_url(fields: Fields) -> Audio:
    inner = fields.need_inside("audio_url")
    return Audio(_read_url(inner, inner.need_text("url"), "url"), extra=fields.rest())


def _read_audio(fields: Fields) -> Audio:
    inner = fields.need_inside("input_audio")
    data, name = inner.need_text("data"), inner.need_text("format").lower()
    return Audio(Inline(_MEDIA_TYPES.get(name, f"audio/{name}"), data), extra=fields.rest())


def _read_file(fields: Fields) -> Document:
    inner = fields.need_inside("file")
    file_id, data, filename = inner.text("file_id"), inner.text("file_data"), inner.text("filename")
    source: Source
    if data is not None:
        if _WEB_URL.match(data) or data[:5].lower() == "data:":
            source = _read_url(inner, data, "file_data")
        else:
            # Bare base64, as some clients send it. Only a PDF can be meant by a part that does not say its type.
            source = Inline("application/pdf", data)
    elif file_id is not None:
        source = Stored(file_id)
    else:
        raise inner.miss("file_data", "a file as a base64 data URL, or `file_id` be given")
    return Document(source, filename=filename, extra=fields.rest())


def _read_url(fields: Fields, url: str, name: str) -> Inline | Remote:
    if _WEB_URL.match(url):
        return Remote(url)
    head = _DATA_URL.match(url[:512])
    if head is None:
        raise fields.refuse(_A_URL, name)
    return Inline(head[1], url[head.end() :])


_READERS: dict[str, Callable[[Fields], Part]] = {
    "text": _read_text,
    "image_url": _read_image,
    "input_audio": _read_audio,
    "audio_url": _read_audio_url,
    "video_url": _read_video,
    "file": _read_file,
    "refusal": _read_refusal,
}


def write_content(parts: Sequence[Part], path: str, losses: Losses) -> str | list[dict[str, Any]]:
    """Parts as a `content`: the string itself if they are one plain text, else a list.

    Raises UnsupportedParameter naming the part that has no place in a message's content.
    """
    if len(parts) == 1 and isinstance(text := parts[0], Text):
        item = write_part(text, path, losses)
        return text.text if len(item) == 2 else [item]
    return [write_part(part, f"{path}[{index}]", losses) for index, part in enumerate(parts)]


def write_part(part: Part, path: str, losses: Losses) -> dict[str, Any]:
    """One part of a content list."""
    match part:
        case Text():
            return _write_text(part, path, losses)
        case Refusal():
            known: dict[str, Any] = {"type": "refusal", "refusal": part.text}
        case Image():
            url = {"url": _write_url(part.source, path, losses), "detail": part.detail}
            known = {"type": "image_url", "image_url": without_none(url)}
        case Video():
            known = {"type": "video_url", "video_url": {"url": _write_url(part.source, path, losses)}}
        case Audio():
            known = _write_audio(part, path, losses)
        case Document():
            known = {"type": "file", "file": _write_file(part, path, losses)}
        case _:
            kind = part.kind if isinstance(part, Opaque) else part.__struct_config__.tag
            raise losses.refuse(path, f"A part of type {kind} has no place in this message.")
    return losses.restore(known, part.extra, path)


def _write_text(part: Text, path: str, losses: Losses) -> dict[str, Any]:
    known: dict[str, Any] = {"type": "text", "text": part.text}
    extra = _without_notes(part.extra, path, losses)
    if losses.marks and not losses.same:
        mark, extra = take_mark(extra)
        mark_last([known], mark)
    return losses.restore(known, extra, path)


def _without_notes(extra: Extra, path: str, losses: Losses) -> Extra:
    """Another dialect's notes on where a text came from are left out: the words they are about are there."""
    if losses.same or "citations" not in extra:
        return extra
    losses.drop(f"{path}.citations")
    return {name: value for name, value in extra.items() if name != "citations"}


def _write_url(source: Source, path: str, losses: Losses) -> str:
    match source:
        case Inline():
            return f"data:{source.media_type};base64,{source.data}"
        case Remote():
            return source.url
        case Stored():
            raise losses.refuse(path, "Files stored at a provider are not known to another.")


def _write_audio(part: Audio, path: str, losses: Losses) -> dict[str, Any]:
    source = part.source
    if isinstance(source, Inline):
        kind, _, name = source.media_type.partition("/")
        if kind != "audio" or not name:
            raise losses.refuse(path, f"Its media type is {source.media_type}, not that of a sound.")
        inner = {"data": source.data, "format": _FORMATS.get(source.media_type, name)}
        return {"type": "input_audio", "input_audio": inner}
    if isinstance(source, Remote) and not losses.same:
        losses.want_inline(source.url)
    return {"type": "audio_url", "audio_url": {"url": _write_url(source, path, losses)}}


def _write_file(part: Document, path: str, losses: Losses) -> dict[str, Any]:
    source = part.source
    if isinstance(source, Stored) and losses.same:
        return without_none({"file_id": source.file_id, "filename": part.filename})
    if isinstance(source, Remote) and not losses.same:
        losses.want_inline(source.url)
    return without_none({"file_data": _write_url(source, path, losses), "filename": part.filename})
