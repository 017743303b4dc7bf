"""What the test models say: pure, and decided by the request alone.

A token is a run of at most sixteen characters without space, together with the space before it; an argument's fragment
of eight characters is one too.
"""

import re

from msgspec import Struct, json

from tallygate.errors import InvalidValue
from tallygate.providers.mock.request import Choice, Function, Request
from tallygate.providers.mock.sample import sample

_TOKEN = re.compile(r"\s*\S{1,16}|\s+\Z")
_FRAGMENT_CHARS = 8


class Called(Struct, frozen=True):
    """One tool call, its arguments in the fragments in which a stream sends them."""

    name: str
    fragments: tuple[str, ...]


class Said(Struct, frozen=True):
    """One answer, in tokens, and why it ended (OpenAI's words for it)."""

    thought: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    calls: tuple[Called, ...] = ()
    finish_reason: str = "stop"

    @property
    def token_count(self) -> int:
        """Everything that was said, thoughts and arguments included."""
        return len(self.thought) + len(self.text) + sum(len(call.fragments) for call in self.calls)


def split_tokens(text: str) -> tuple[str, ...]:
    """A text as tokens; joined they are the text again."""
    return tuple(_TOKEN.findall(text))


def count_prompt(request: Request) -> int:
    """The tokens of a request: those of its texts, one for each message, one for each part that is not text."""
    return sum(len(split_tokens(message.text)) + 1 + message.media_count for message in request.messages)


def answer(request: Request) -> Said:
    """What the model named in the request says. Raises InvalidValue if a tool is demanded that was not given."""
    said = Said(text=split_tokens(_until_stop(_content(request), request.stops)))
    if request.model == "tools":
        said = _use_tools(request) or said
    elif request.model == "thinking":
        said = Said(thought=split_tokens(f"The user said: {_last_user_text(request)}"), text=said.text)
    return said if request.cap is None else _cut(said, max(0, request.cap))


def _content(request: Request) -> str:
    form = request.response_format
    text = _last_user_text(request)
    if form is not None and form.type == "json_object":
        return json.encode({"echo": text}).decode()
    if form is not None and form.type == "json_schema":
        return json.encode(sample(form.json_schema.schema if form.json_schema else {})).decode()
    return text


def _last_user_text(request: Request) -> str:
    return next((message.text for message in reversed(request.messages) if message.role == "user"), "")


def _until_stop(text: str, stops: tuple[str, ...]) -> str:
    found = [at for stop in stops if (at := text.find(stop)) >= 0]
    return text[: min(found)] if found else text


def _use_tools(request: Request) -> Said | None:
    """The calls, or after their results a text that quotes them; None if there is no tool to call."""
    results: list[str] = []
    for message in reversed(request.messages):
        if message.role != "tool":
            break
        results.insert(0, message.text)
    if results:
        text = "The tools answered: " + ", ".join(f"“{result}”" for result in results)
        return Said(text=split_tokens(_until_stop(text, request.stops)))
    chosen = _choose(request)
    if not chosen:
        return None
    calls = tuple(Called(function.name, _fragments(function)) for function in chosen)
    return Said(calls=calls, finish_reason="tool_calls")


def _choose(request: Request) -> list[Function]:
    """The demanded function, else the first allowed one, and a second unless calls must come singly."""
    functions = [tool.function for tool in request.tools or () if tool.function is not None]
    choice = request.tool_choice
    if choice == "none":
        return []
    if isinstance(choice, Choice) and choice.function is not None:
        demanded = [function for function in functions if function.name == choice.function.name]
        if not demanded:
            raise InvalidValue("tool_choice names a tool that was not given.", param="tool_choice")
        return demanded[:1]
    if isinstance(choice, Choice) and choice.allowed_tools is not None:
        allowed = {reference.function.name for reference in choice.allowed_tools.tools if reference.function}
        functions = [function for function in functions if function.name in allowed]
    return functions[: 1 if request.parallel_tool_calls is False else 2]


def _fragments(function: Function) -> tuple[str, ...]:
    text = json.encode(sample(function.parameters or {"type": "object"})).decode()
    return tuple(text[at : at + _FRAGMENT_CHARS] for at in range(0, len(text), _FRAGMENT_CHARS))


def _cut(said: Said, cap: int) -> Said:
    if said.token_count <= cap:
        return said
    thought = said.thought[:cap]
    text = said.text[: cap - len(thought)]
    left = cap - len(thought) - len(text)
    calls: list[Called] = []
    for call in said.calls:
        if left <= 0:
            break
        calls.append(Called(call.name, call.fragments[:left]))
        left -= len(calls[-1].fragments)
    return Said(thought, text, tuple(calls), "length")
