"""Values as a person or a script may see them: secrets covered, paths and tables in TOML's spelling.

Every place that prints configuration goes through here.
"""

import re
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import cast

from msgspec import UNSET, Struct, json, structs

from tallygate.genai.secret import Secret

HIDDEN = "***"
_URL_PASSWORD = re.compile(r"(?<=://)([^/@\s:]*):[^/@\s]*@")
_URL_QUERY_PASSWORD = re.compile(r"(?i)([?&][^=&]*(?:password|key|token|secret)[^=&]*=)[^&]*")
_SECRET_NAME = re.compile(r"(?i)auth|key|token|secret|cookie|password")


def plain(value: object, name: str = "") -> object:
    """A value as JSON can hold it, with secrets covered. `name` is the header or key it stands under."""
    if isinstance(value, Secret):
        return HIDDEN
    if isinstance(value, FilePath):
        return str(value)
    if isinstance(value, Struct):
        return {key: plain(inner) for key, inner in structs.asdict(value).items() if inner not in (None, UNSET)}
    if isinstance(value, Mapping):
        return {str(key): plain(inner, str(key)) for key, inner in cast("Mapping[object, object]", value).items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in cast("tuple[object, ...]", value)]
    if isinstance(value, str):
        if name and _SECRET_NAME.search(name):
            return HIDDEN
        return _URL_QUERY_PASSWORD.sub(rf"\1{HIDDEN}", _URL_PASSWORD.sub(rf"\1:{HIDDEN}@", value))
    return value


def show(value: object) -> str:
    """A value in TOML's spelling, strings at the top without quotes; nothing for a value that is not set."""
    covered = plain(value)
    if isinstance(covered, str):
        return covered
    return "" if covered is None else _inline(covered)


def _inline(value: object) -> str:
    if isinstance(value, dict):
        inner = ", ".join(f"{key} = {_inline(part)}" for key, part in cast("dict[str, object]", value).items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list):
        return "[" + ", ".join(_inline(part) for part in cast("list[object]", value)) + "]"
    return json.encode(value, enc_hook=str).decode()
