"""JSON objects, and every odd way the same object may be spelt: blanks, escapes, letters written as numbers."""

import json
from typing import Any

from hypothesis import strategies as st

_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
_KEYS = st.sampled_from(["model", "a", "content", "max_tokens", 'q"', "b\\"]) | _TEXT
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT
    | st.sampled_from(['"', "\\", '\\"', "[{", "}]", "\\u0000", "\\\\", "é😀", "1e400"])
)


def json_values() -> st.SearchStrategy[Any]:
    """Any JSON value of a few leaves."""
    return st.recursive(
        _SCALARS,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4),
        max_leaves=10,
    )


def json_objects() -> st.SearchStrategy[dict[str, Any]]:
    """Any JSON object of a few members."""
    return st.dictionaries(_KEYS, json_values(), max_size=6)


@st.composite
def render(draw: st.DrawFn, value: Any) -> bytes:
    """One spelling of `value`, drawn from many."""
    blank = st.sampled_from(["", "", " ", "\n  ", "\t", "\r\n"])

    def text(value: str) -> str:
        way = draw(st.sampled_from(["plain", "ascii", "numbers"]))
        if way == "numbers":
            units = value.encode("utf-16-be")
            return '"' + "".join(f"\\u{units[at]:02X}{units[at + 1]:02x}" for at in range(0, len(units), 2)) + '"'
        return json.dumps(value, ensure_ascii=way == "ascii")

    def spell(value: Any) -> str:
        if isinstance(value, dict):
            members = [f"{draw(blank)}{text(k)}{draw(blank)}:{draw(blank)}{spell(v)}" for k, v in value.items()]
            return "{" + f"{draw(blank)},".join(members) + draw(blank) + "}"
        if isinstance(value, list):
            return "[" + f"{draw(blank)},".join(draw(blank) + spell(item) for item in value) + draw(blank) + "]"
        return text(value) if isinstance(value, str) else json.dumps(value)

    return spell(value).encode()
