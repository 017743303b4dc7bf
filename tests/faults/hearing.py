"""What a client hears in the bytes of an answer: text, terminators, errors, and whatever does not belong.

A strict reading of both wires, made for the judge and independent of the gateway's own readers: what these functions
find odd, an SDK may choke on. Pure.
"""

import json
from typing import Any, NamedTuple

Json = dict[str, Any]


class Heard(NamedTuple):
    """A stream as it was understood. `texts` by lane (choice or block); `after_end`: events after the end or an error.

    `odd` names what is no part of the wire; `ids` counts `id:` fields, `beats` comments and pings.
    """

    texts: dict[str, str]
    terminators: int
    errors: tuple[Json, ...]
    after_end: int
    ids: int
    beats: int
    odd: tuple[str, ...]
    unfinished: bytes


class Notes:
    """What is gathered while a stream is read."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.terminators = self.after_end = self.ids = self.beats = 0
        self.errors: list[Json] = []
        self.odd: list[str] = []

    def say(self, lane: object, text: object) -> None:
        """More text of a lane."""
        if isinstance(text, str) and text:
            self.texts[str(lane)] = self.texts.get(str(lane), "") + text


def hear_stream(wire: str, body: bytes) -> Heard:
    """The stream in `body`, of which the end may be missing."""
    notes = Notes()
    text = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    *blocks, rest = text.removeprefix(b"\xef\xbb\xbf").split(b"\n\n")
    for block in blocks:
        _hear_block(wire, block, notes)
    odd = len(notes.odd)
    # A last event without its blank line counts for lenient clients, so a terminator there is one. Half an event is
    # nothing.
    _hear_block(wire, rest, notes)
    del notes.odd[odd:]
    return Heard(
        notes.texts,
        notes.terminators,
        tuple(notes.errors),
        notes.after_end,
        notes.ids,
        notes.beats,
        tuple(notes.odd),
        rest,
    )


def _hear_block(wire: str, block: bytes, notes: Notes) -> None:
    event, data = "", []
    for line in block.split(b"\n"):
        name, _, value = line.partition(b":")
        if line.startswith(b":"):
            notes.beats += 1
        elif name == b"id":
            notes.ids += 1
        elif name == b"event":
            event = value.strip().decode("latin-1")
        elif name == b"data":
            data.append(value.removeprefix(b" "))
    if not data:
        return
    if notes.terminators or notes.errors:
        notes.after_end += 1
    joined = b"\n".join(data)
    if wire == "openai" and joined == b"[DONE]":
        notes.terminators += 1
        return
    try:
        value = json.loads(joined)
    except ValueError:
        notes.odd.append(f"data that is not JSON: {joined[:60]!r}")
        return
    if not isinstance(value, dict):
        notes.odd.append(f"data that is no object: {joined[:60]!r}")
    elif wire == "openai":
        _hear_chunk(value, notes)
    else:
        _hear_event(value, event, notes)


def _hear_chunk(value: Json, notes: Notes) -> None:
    if value.get("error"):
        notes.errors.append(value["error"])
        return
    for choice in value.get("choices") or ():
        delta = choice.get("delta") or {}
        notes.say(choice.get("index"), delta.get("content"))
        for call in delta.get("tool_calls") or ():
            notes.say(f"{choice.get('index')} tool {call.get('index')}", (call.get("function") or {}).get("arguments"))


def _hear_event(value: Json, event: str, notes: Notes) -> None:
    if event != value.get("type"):
        notes.odd.append(f"event {event!r} with type {value.get('type')!r}")
    match value.get("type"):
        case "error":
            notes.errors.append(value["error"])
        case "message_stop":
            notes.terminators += 1
        case "ping":
            notes.beats += 1
        case "content_block_delta":
            delta = value["delta"]
            if delta["type"] == "text_delta":
                notes.say(value["index"], delta["text"])
            elif delta["type"] == "input_json_delta":
                notes.say(f"0 tool {value['index']}", delta["partial_json"])
        case _:
            pass


def hear_whole(wire: str, body: bytes) -> dict[str, str] | None:
    """The texts of a whole answer by lane; None if it is not one."""
    try:
        value = json.loads(body)
    except ValueError:
        return None
    notes = Notes()
    try:
        if wire == "openai":
            for choice in value["choices"]:
                notes.say(choice["index"], choice["message"].get("content"))
        else:
            for index, block in enumerate(value["content"]):
                notes.say(index, block.get("text"))
    except (KeyError, TypeError, AttributeError):
        return None
    return notes.texts


def hear_error(wire: str, body: bytes) -> Json | None:
    """The `error` member of an error body in the right shape; None if the shape is wrong."""
    try:
        value = json.loads(body)
        error = value["error"]
        shaped = isinstance(error["message"], str) and isinstance(error["type"], str)
        shaped = shaped and (wire == "openai" or value["type"] == "error")
    except (ValueError, KeyError, TypeError):
        return None
    return error if shaped else None
