"""Makes any text fit for one line of a log: no control characters, no secrets of a known shape, no endless fields.

Pure, and linear in what it is given. What a caller, a provider or a library wrote is never trusted to be plain: a line
break would forge a record, an escape sequence would write to somebody's terminal, a dump of headers would give keys
away.
"""

import re
from functools import cache
from typing import Final

FIELD_CHARACTERS_MAX: Final = 8_192
"""What is left of a message."""
TRACE_CHARACTERS_MAX: Final = 32_768
"""What is left of an exception with its traceback. Its end is what tells most, so its middle goes."""

HIDDEN: Final = "***"

_READ_MAX: Final = 8
"""So many times what is left is looked at for secrets: nothing of what is beyond is shown."""

# Control characters of both ranges, separators of lines, what turns the direction of writing, what nobody sees, and
# halves of characters.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}

_HEADERS: Final = (
    "authorization|proxy-authorization|api[-_]key|x-api-key|x-goog-api-key|cookie|set-cookie|password|passwd|secret|"
    "access[-_]token|refresh[-_]token"
)
_SHAPES: Final = (
    # A header or member with its value, as a dump of bytes, of text or of JSON has it.
    (
        re.compile(
            rf"((?:{_HEADERS})(?:[\"']?\s{{0,8}}[:=]|[\"']\s{{0,8}},)\s{{0,8}}b?[\"']?)[^\"'\r\n}}\])]{{4,}}",
            re.IGNORECASE,
        ),
        r"\1",
    ),
    (re.compile(r"\b((?:bearer|basic)\s{1,8})[^\s\"',;]{4,}", re.IGNORECASE), r"\1"),
    # Who signs in at an address, and a key in its query.
    (re.compile(r"(://)[^/\s:@\"']{0,256}:[^/\s@\"']{1,256}(?=@)"), r"\1"),
    (re.compile(r"([?&](?:key|api_key|token|sig|signature)=)[^\s&\"'#]{4,}", re.IGNORECASE), r"\1"),
)
_PREFIXES: Final = (
    "sk-",
    "pk-",
    "rk-",
    "lx-",
    "xai-",
    "gsk_",
    "hf_",
    "r8_",
    "ghp_",
    "github_pat_",
    "AIza",
    "AKIA",
    "eyJ",
)
"""How keys begin that are known by their looks; the last is every signed token."""


def neutralise(text: str, characters_max: int = FIELD_CHARACTERS_MAX, own_prefix: str = "lx-") -> str:
    """A text as a log shows it: one line, at most so long, without what looks like a key. `own_prefix` is that of the
    gateway's own keys.
    """
    length = len(text)
    shown = hide_secrets(text[: characters_max * _READ_MAX], own_prefix)
    return _cut(_UNSEEN.sub(_escape, shown), characters_max, length)


def hide_secrets(text: str, own_prefix: str = "lx-") -> str:
    """The text with `***` in the place of whatever has the shape of a key, a password or a token."""
    for shape, kept in _SHAPES:
        text = shape.sub(kept + HIDDEN, text)
    return _find_keys(own_prefix).sub(rf"\1{HIDDEN}", text)


@cache
def _find_keys(own_prefix: str) -> re.Pattern[str]:
    starts = "|".join(map(re.escape, dict.fromkeys((*_PREFIXES, own_prefix))))
    return re.compile(rf"(?<![A-Za-z0-9])({starts})[A-Za-z0-9_\-.+/=]{{6,}}")


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    if character in _SHORT:
        return _SHORT[character]
    number = ord(character)
    if number <= 0xFF:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"


def _cut(text: str, characters_max: int, length: int) -> str:
    """The beginning and the end of what is too long, with what it was between them."""
    if len(text) <= characters_max:
        return text
    half = characters_max // 2
    return f"{text[:half]} ... (of {length} characters) ... {text[-half:]}"
