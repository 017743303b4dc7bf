"""Lines of keys in TOML, also after everything that makes a statement longer than a line."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.config.document import find_lines, read_document, read_source
from tallygate.config.origin import ConfigError, Origin

TEXT = '''# a comment with [brackets]
data = "a"  # and one behind

[server]
port = 1
host = """
[models.not_a_table]
"""
body_bytes_max = 2048

[providers."my lab"]
speaks = {
  openai_chat = "/v1/chat/completions" }
headers = { a = "]" }
models = [
  "x",  # ]
  "[y]",
]
[providers.other]
auth.kind = "none"
'''


def test_every_key_has_the_line_it_begins_on() -> None:
    # TOML 1.0 has no inline table over two lines: what is valid here is made of what the reader accepts.
    text = TEXT.replace('speaks = {\n  openai_chat = "/v1/chat/completions" }', 'speaks = { openai_chat = "/v1" }\n')
    lines = find_lines(text)
    written = text.splitlines()
    assert {path: written[line - 1].split("#")[0].strip() for path, line in lines.items() if len(path) < 4} == {
        ("data",): 'data = "a"',
        ("server",): "[server]",
        ("server", "port"): "port = 1",
        ("server", "host"): 'host = """',
        ("server", "body_bytes_max"): "body_bytes_max = 2048",
        ("providers",): '[providers."my lab"]',
        ("providers", "my lab"): '[providers."my lab"]',
        ("providers", "my lab", "speaks"): 'speaks = { openai_chat = "/v1" }',
        ("providers", "my lab", "headers"): 'headers = { a = "]" }',
        ("providers", "my lab", "models"): "models = [",
        ("providers", "other"): "[providers.other]",
        ("providers", "other", "auth"): 'auth.kind = "none"',
    }


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,5}", fullmatch=True),
        st.dictionaries(
            st.from_regex(r"[a-z]{1,5}", fullmatch=True),
            st.sampled_from(["1", '"x"', "[\n1,\n2\n]", '"""\na = 1\n[b]\n"""', "'''\n'''", "{ a = 1 }"]),
        ),
    )
)
def test_every_key_of_a_file_is_found_and_nothing_else(tables: dict[str, dict[str, str]]) -> None:
    text = "".join(
        f"[{name}]\n" + "".join(f"{key} = {value}\n\n" for key, value in table.items())
        for name, table in tables.items()
    )
    lines = find_lines(text)
    written = text.splitlines()
    for name, table in tomllib.loads(text).items():
        assert written[lines[name,] - 1] == f"[{name}]"
        for key in table:
            assert written[lines[name, key] - 1].startswith(f"{key} = ")
    assert {path[0] for path in lines} == set(tables)


def test_what_stands_nowhere_is_at_the_nearest_table(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("x = 1\n[server]\nport = 1\n")
    document = read_document(read_source(tmp_path, Path("a.toml"), Origin(kind="flag", place="--config")))
    assert document.locate(("server", "host")).place == "a.toml:2"
    assert document.locate(("nowhere",)).place == "a.toml"


def test_a_byte_order_mark_is_no_part_of_a_key(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xef\xbb\xbfdata = 'x'\r\n")
    document = read_document(read_source(tmp_path, Path("a.toml"), Origin(kind="flag", place="--config")))
    assert document.tables == {"data": "x"}


@pytest.mark.parametrize("content", [b"data = '\xff'", b"data"])
def test_what_is_not_toml_is_refused_by_name(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(content)
    with pytest.raises(ConfigError, match=r"a\.toml"):
        read_document(read_source(tmp_path, Path("a.toml"), Origin(kind="flag", place="--config")))
