"""A guess how many tokens a request has, for when nobody who knows can be asked. Never a basis for money.

Tokenizers differ, and this is none: text is taken at four bytes a token, pictures and other media at a flat figure of
their kind. A caller is always told that the number is a guess.
"""

from collections.abc import Iterable

import msgspec

from tallygate.genai.chat import ChatRequest
from tallygate.genai.messages import Audio, Document, Image, Part, Reasoning, Refusal, Text, ToolCall, ToolResult, Video

BYTES_PER_TOKEN = 4
MESSAGE_TOKENS = 4
"""What a turn's role and its delimiters come to."""
IMAGE_TOKENS = 1_600
DOCUMENT_TOKENS = 3_000
AUDIO_TOKENS = 1_000
VIDEO_TOKENS = 5_000


def estimate_input_tokens(request: ChatRequest) -> int:
    """About how many tokens the request will count as. At least 1."""
    tokens = _parts(request.system)
    for message in request.messages:
        tokens += MESSAGE_TOKENS + _parts(message.parts)
    if request.tools:
        tokens += _bytes(len(msgspec.json.encode(request.tools)))
    return max(1, tokens)


def _parts(parts: Iterable[Part]) -> int:
    return sum(map(_part, parts))


def _part(part: Part) -> int:
    match part:
        case Text() | Refusal() | Reasoning():
            return _bytes(len(part.text.encode()))
        case ToolCall():
            return _bytes(len(part.name) + len(part.arguments.encode()))
        case ToolResult():
            return _parts(part.parts)
        case Image():
            return IMAGE_TOKENS
        case Document():
            return DOCUMENT_TOKENS
        case Audio():
            return AUDIO_TOKENS
        case Video():
            return VIDEO_TOKENS
        case _:
            return _bytes(len(msgspec.json.encode(part)))


def _bytes(count: int) -> int:
    return -(-count // BYTES_PER_TOKEN)
