"""Where a key is found, and what is said when it is not."""

from pathlib import Path

import pytest

from tallygate.genai.secret import Secret
from tallygate.providers.keys import Key, NoKey, find_key

NAMES = ("GEMINI_API_KEY", "GOOGLE_API_KEY")


@pytest.mark.parametrize(
    ("environ", "key", "reason"),
    [
        ({"GEMINI_API_KEY": "a", "GOOGLE_API_KEY": "b"}, "a", "GEMINI_API_KEY is set"),
        ({"GOOGLE_API_KEY": "b"}, "b", "GOOGLE_API_KEY is set"),
        ({"GEMINI_API_KEY": "", "GOOGLE_API_KEY": "b"}, "b", "GOOGLE_API_KEY is set"),
        ({"GEMINI_API_KEY": " a\n"}, "a", "GEMINI_API_KEY is set"),
    ],
)
def test_the_first_variable_that_is_set_gives_the_key(environ: dict[str, str], key: str, reason: str) -> None:
    assert find_key(NAMES, None, environ, "lx-") == Key(Secret(key), reason)


def test_a_variable_or_the_settings_may_name_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("sk-1\n")
    assert find_key(NAMES, None, {"GOOGLE_API_KEY_FILE": str(file)}, "") == Key(
        Secret("sk-1"), "GOOGLE_API_KEY_FILE is set"
    )
    assert find_key((), file, {}, "") == Key(Secret("sk-1"), "api_key_file is set")


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({}, "GEMINI_API_KEY is not set"),
        ({"GEMINI_API_KEY": "  "}, "GEMINI_API_KEY is not set"),
        ({"GEMINI_API_KEY": "lx-abc"}, "GEMINI_API_KEY holds a key of this gateway, which opens no provider"),
        ({"GEMINI_API_KEY": "sk a"}, "GEMINI_API_KEY holds characters that no key has"),
        ({"GEMINI_API_KEY": "sk-\nx: y"}, "GEMINI_API_KEY holds characters that no key has"),
        ({"GEMINI_API_KEY": "schlüssel"}, "GEMINI_API_KEY holds characters that no key has"),
    ],
)
def test_it_says_why_there_is_no_key_without_showing_any(environ: dict[str, str], reason: str) -> None:
    assert find_key(NAMES, None, environ, "lx-") == NoKey(reason)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "api_key_file names a file that cannot be read: No such file or directory"),
        (b"", "api_key_file names an empty file"),
        (b"\xff\xfe", "api_key_file names a file that cannot be read: it is not a text file"),
        (b"two words", "api_key_file holds characters that no key has"),
    ],
)
def test_a_file_that_holds_no_key(tmp_path: Path, content: bytes | None, reason: str) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    assert find_key((), file, {}, "") == NoKey(reason)
