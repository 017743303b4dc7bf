"""Where a client of another environment plays: the address, its keys, its model, and what its user says and expects.

Nothing of a client is imported here, so that every environment can import it, and nothing of the gateway.
"""

import json
from typing import Any, NamedTuple, TypedDict

from pydantic import BaseModel

SAID = "Grüße, 世界"
TOOL = "get_weather"
TOOL_RESULT = "rain over a b"
ASKED = {"city": "a b", "days": 7}
"""What the fake providers call a tool with: their first choice for each type."""


class Person(BaseModel):
    """A person: the shape that answers are to have."""

    name: str
    age: int


EXPECTED = Person(name="a b", age=7)


def get_weather(city: str, days: int) -> str:
    """The weather of a city for the next days."""
    assert (city, days) == ("a b", 7)
    return TOOL_RESULT


class Stage(NamedTuple):
    """`url` is the gateway's without a path. `poor_key` is a good key of a workspace without money. `claude` is the
    same model as `model`, under a name that clients take for a Claude model.
    """

    url: str
    key: str
    poor_key: str
    upstream: str
    model: str
    claude: str
    opening: str

    @property
    def says(self) -> str:
        """What the user says; the opening shows in a provider's journal whose words they are."""
        return f"{self.opening}: {SAID}"


class Told(TypedDict):
    """What a client's player tells of one feature: the traceback of a failure, and what happens instead, if it must."""

    error: str | None
    instead: str


def check_answer(text: Any) -> None:
    """A plain answer holds what was said. Raises AssertionError."""
    assert isinstance(text, str), text
    assert SAID in text, text
    assert text.endswith("✓ déjà vu"), text


def check_usage(input_tokens: Any, output_tokens: Any) -> None:
    """Both were counted. Raises AssertionError."""
    assert isinstance(input_tokens, int), input_tokens
    assert isinstance(output_tokens, int), output_tokens
    assert min(input_tokens, output_tokens) > 0, (input_tokens, output_tokens)


def check_tool_call(name: Any, arguments: Any) -> None:
    """The model asks for the weather as the fake providers do; arguments may be JSON. Raises AssertionError."""
    assert name == TOOL, name
    assert (json.loads(arguments) if isinstance(arguments, str) else arguments) == ASKED, arguments


def check_tool_result(text: Any) -> None:
    """The model tells what the tool said. Raises AssertionError."""
    assert isinstance(text, str), text
    assert TOOL_RESULT in text, text
