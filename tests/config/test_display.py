"""What may be seen of a value, and what never."""

from pathlib import Path

import pytest

from tallygate.config import plain, show
from tallygate.genai.secret import Secret
from tallygate.router.settings import PriceSettings


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        ("", ""),
        ("plain", "plain"),
        (True, "true"),
        (8255, "8255"),
        (Path("/srv/x"), "/srv/x"),
        ((), "[]"),
        (("a/b", "c/d"), '["a/b", "c/d"]'),
        ({}, "{}"),
        ({"openai_chat": "/v1"}, '{ openai_chat = "/v1" }'),
        (PriceSettings(input="0.20"), '{ input = "0.20" }'),
        (Secret("x"), "***"),
        ("postgresql://me:hunter2@db/tallygate", "postgresql://me:***@db/tallygate"),
        ("postgresql:///tallygate?user=me&password=hunter2", "postgresql:///tallygate?user=me&password=***"),
        ("http://db:5432/x", "http://db:5432/x"),
        ({"Authorization": "Bearer hunter2", "x-team": "blue"}, '{ Authorization = "***", x-team = "blue" }'),
    ],
)
def test_values_are_shown_in_the_files_spelling_and_secrets_are_not(value: object, shown: str) -> None:
    assert show(value) == shown


def test_json_has_the_same_cover() -> None:
    assert plain({"keys": (Secret("x"), Path("/a")), "x-api-key": "hunter2"}) == {
        "keys": ["***", "/a"],
        "x-api-key": "***",
    }
