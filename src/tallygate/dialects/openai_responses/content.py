"""What a message or a tool's result holds, both ways: text, pictures, files, sounds, refusals.

Source: developers.openai.com/api/reference/responses (input, content). Text is `input_text` or `output_text` by who
says it; here it is one.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

from msgspec import Struct

from tallygate.dialects.fields import Fields, without_none
from tallygate.errors import TallygateError
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
)

_DATA_URL = re.compile(r"data:([^,;]+(?:;[^,;]+)*);base64,", re.IGNORECASE)
_WEB_URL = re.compile(r"https?://", re.IGNORECASE)

# The wire's word for a sound's format, and the media type it means (IANA registry).
_MEDIA_TYPES: Final = {"mp3": "audio/mpeg", "wav": "audio/wav"}
_FORMATS: Final = {media_type: name for name, media_type in _MEDIA_TYPES.items()} | {"audio/x-wav": "wav"}

_A_URL: Final = "an http(s) URL or a base64 data URL (data:TYPE;base64,…)"
_EMPTY_NOTES: Final = ("annotations", "logprobs")
"""Lists on a text of an answer that must be there and mostly have nothing in them."""

Restore = Callable[[dict[str, Any], Extra, str], dict[str, Any]]
"""Puts a value's `extra` back into its object, at a path."""


class Manner(Struct, frozen=True):
    """How values are written. `same`: their extras are of this dialect; `restore` puts them back, `refuse` makes the
    error for what has no place. `answer_id` is None for a request; what an answer must have and was not given is made
    from it. `namespaces` is what `map_namespaces` gives.
    """

    same: bool
    restore: Restore
    refuse: Callable[[str, str], TallygateError]
    answer_id: str | None = None
    namespaces: Mapping[str, str] = {}


def read_content(fields: Fields, name: str) -> tuple[Part, ...]:
    """The member `name`, a string or a list of parts; a part of a type without a name here is an `Opaque`.

    Raises the error class of `fields` with the part's path.
    """
    value = fields.take(name)
    if value is None:
        return ()
    if isinstance(value, str):
        return (Text(value),)
    if not isinstance(value, list):
        raise fields.refuse("a string or a list of parts", name)
    items = cast("list[Any]", value)
    return tuple(_read_part(Fields(item, f"{fields.at(name)}[{i}]", fields.wrong)) for i, item in enumerate(items))


def _read_part(fields: Fields) -> Part:
    kind = fields.need_text("type")
    read = _READERS.get(kind)
    return Opaque(kind, extra=fields.rest()) if read is None else read(fields)


def _read_text(fields: Fields) -> Text:
    text = fields.need_text("text")
    notes = {name: notes for name in _EMPTY_NOTES if (notes := fields.array(name))}
    return Text(text, extra={**notes, **fields.rest()})


def _read_refusal(fields: Fields) -> Refusal:
    return Refusal(fields.need_text("refusal"), extra=fields.rest())


def _read_image(fields: Fields) -> Image:
    url, file_id = fields.text("image_url"), fields.text("file_id")
    source = _choose_source(fields, url, "image_url", file_id)
    return Image(source, detail=fields.text("detail"), extra=fields.rest())


def _read_file(fields: Fields) -> Document:
    data, url, file_id = fields.text("file_data"), fields.text("file_url"), fields.text("file_id")
    source: Source
    if data is not None and data[:5].lower() != "data:" and not _WEB_URL.match(data):
        # Bare base64, which the reference allows. Only a PDF can be meant by a part that does not say its type.
        source = Inline("application/pdf", data)
    else:
        name = "file_url" if data is None else "file_data"
        source = _choose_source(fields, url if data is None else data, name, file_id)
    return Document(source, filename=fields.text("filename"), extra=fields.rest())


def _choose_source(fields: Fields, url: str | None, name: str, file_id: str | None) -> Source:
    if url is None:
        if file_id is None:
            raise fields.miss(name, f"{_A_URL}, or `file_id` be given")
        return Stored(file_id)
    if _WEB_URL.match(url):
        return Remote(url)
    head = _DATA_URL.match(url[:512])
    if head is None:
        raise fields.refuse(_A_URL, name)
    return Inline(head[1], url[head.end() :])


def _read_audio(fields: Fields) -> Audio:
    inner = fields.need_inside("input_audio")
    data, name = inner.need_text("data"), inner.need_text("format").lower()
    return Audio(Inline(_MEDIA_TYPES.get(name, f"audio/{name}"), data), extra=fields.rest())


_READERS: Final[dict[str, Callable[[Fields], Part]]] = {
    "input_text": _read_text,
    "output_text": _read_text,
    "refusal": _read_refusal,
    "input_image": _read_image,
    "input_file": _read_file,
    "input_audio": _read_audio,
}


def write_given(parts: Sequence[Part], path: str, manner: Manner) -> str | list[dict[str, Any]]:
    """What somebody gives the model: the string itself if it is one plain text, else a list."""
    items = [_write_given(part, f"{path}[{index}]", manner) for index, part in enumerate(parts)]
    if len(items) == 1 and items[0].keys() == {"type", "text"}:
        return items[0]["text"]
    return items


def _write_given(part: Part, path: str, manner: Manner) -> dict[str, Any]:
    match part:
        case Text():
            known: dict[str, Any] = {"type": "input_text", "text": part.text}
        case Image():
            detail = None if part.detail is None else {"detail": part.detail}
            known = {"type": "input_image", **_write_source(part.source, "image_url", path, manner), **(detail or {})}
        case Document():
            name = "file_url" if isinstance(part.source, Remote) else "file_data"
            source = _write_source(part.source, name, path, manner)
            known = without_none({"type": "input_file", **source, "filename": part.filename})
        case Audio():
            known = {"type": "input_audio", "input_audio": _write_audio(part, path, manner)}
        case Opaque() if manner.same:
            return {"type": part.kind, **part.extra}
        case _:
            kind = part.kind if isinstance(part, Opaque) else part.__struct_config__.tag
            raise manner.refuse(path, f"A part of type {kind} has no place in this message.")
    return manner.restore(known, part.extra, path)


def _write_source(source: Source, name: str, path: str, manner: Manner) -> dict[str, str]:
    match source:
        case Inline():
            return {name: f"data:{source.media_type};base64,{source.data}"}
        case Remote():
            return {name: source.url}
        case Stored():
            if not manner.same:
                raise manner.refuse(path, "Files stored at a provider are not known to another.")
            return {"file_id": source.file_id}


def _write_audio(part: Audio, path: str, manner: Manner) -> dict[str, str]:
    source = part.source
    if not isinstance(source, Inline):
        raise manner.refuse(path, "Sound is taken as data only.")
    kind, _, name = source.media_type.partition("/")
    if kind != "audio" or not name:
        raise manner.refuse(path, f"Its media type is {source.media_type}, not that of a sound.")
    return {"data": source.data, "format": _FORMATS.get(source.media_type, name)}


def write_said(part: Text | Refusal, extra: Extra, path: str, manner: Manner) -> dict[str, Any]:
    """One part of what a model said. In an answer its notes are there, with nothing in them if there are none."""
    if isinstance(part, Refusal):
        return manner.restore({"type": "refusal", "refusal": part.text}, extra, path)
    written = manner.restore({"type": "output_text", "text": part.text}, extra, path)
    if manner.answer_id is not None:
        for name in _EMPTY_NOTES:
            written.setdefault(name, [])
    return written
