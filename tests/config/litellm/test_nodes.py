"""YAML as nodes: lines, merged keys, and bounds that no file gets past."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.config.litellm.nodes import BadYaml, Node, Pair, read_yaml

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{key}: &{key} [{', '.join([f'*{before}'] * 9)}]\n" for before, key in zip("abcdefgh", "bcdefghi", strict=True)
)


def test_lines_and_kinds() -> None:
    root = read_yaml(b"# first\na: 1\nb:\n  - x\n  - 'y'\nc: {d: yes}\n")
    assert [(pair.key, pair.line) for pair in root.pairs or ()] == [("a", 2), ("b", 3), ("c", 6)]
    assert root.get("b") == Node(line=4, items=(Node(line=4, text="x"), Node(line=5, text="y", is_quoted=True)))
    inner = root.get("c")
    assert inner is not None
    assert inner.pairs == (Pair("d", 6, Node(line=6, text="yes")),)
    flag = inner.get("d")
    assert flag is not None
    assert flag.flag is True


def test_merged_keys_stand_where_the_mapping_is_silent() -> None:
    root = read_yaml(b"one: &one {a: 1, b: 2}\ntwo: &two {b: 3, c: 4}\nall: {<<: [*one, *two], a: 9}\n")
    merged = root.get("all")
    assert merged is not None
    assert {pair.key: pair.value.text for pair in merged.pairs or ()} == {"a": "9", "b": "2", "c": "4"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (LAUGHS, "becomes too large"),
        ("[" * 5_000, "nested too deeply"),
        ("a: " * 50 + "b", "not YAML"),
        ("x: &x [*x]", "nested too deeply"),
        ("{a: " * 40 + "1" + "}" * 40, "nested too deeply"),
        ("? [a, b]\n: c", "a key that is not text"),
        ("a: 1\n---\nb: 2\n", "not YAML"),
        ("\ud800", "not UTF-8"),
    ],
)
def test_what_goes_too_far_is_refused(text: str, reason: str) -> None:
    with pytest.raises(BadYaml, match=reason):
        read_yaml(text.encode("utf-8", "surrogatepass"))


def test_a_large_file_is_refused_unread() -> None:
    with pytest.raises(BadYaml, match="larger"):
        read_yaml(b" " * (5 << 20))


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_anything_is_read_or_refused(data: bytes) -> None:
    with suppress(BadYaml):
        assert isinstance(read_yaml(data), Node)
