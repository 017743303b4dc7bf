"""What surrounds the output of an answer: its members that repeat the request, and those that nobody filled in.

Clients of this wire rely on every member being there, and some check each (openrouter.ai/docs/sdks). What an answer of
another dialect cannot know of its request is read from the request itself.
"""

from collections.abc import Mapping
from typing import Any, Final, cast

import msgspec
from msgspec import Struct

from tallygate.dialects.openai_responses.additional import list_additional
from tallygate.dialects.openai_responses.names import list_custom, map_namespaces
from tallygate.genai.messages import Extra

_BLANK: Final[Mapping[str, Any]] = {
    "background": False,
    "completed_at": None,
    "error": None,
    "frequency_penalty": None,
    "incomplete_details": None,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "presence_penalty": None,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": None,
    "store": False,
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": None,
    "top_p": None,
    "truncation": "disabled",
    "user": None,
}
"""Every member that says nothing unless it says something else."""

_NOT_REPEATED: Final = frozenset({"background", "previous_response_id", "service_tier", "store"})
"""Members of a request that do not say what became of the answer."""

REPEATED: Final = frozenset(_BLANK) - _NOT_REPEATED

_DECODE: Final = msgspec.json.Decoder(dict[str, Any]).decode


class Asked(Struct, frozen=True):
    """What an answer needs to know of its request: members to repeat, which functions stand in a namespace, and the
    names of its custom tools.
    """

    repeated: Extra = {}
    namespaces: Mapping[str, str] = {}
    customs: frozenset[str] = frozenset()


def read_asked(body: bytes) -> Asked:
    """What a request, in this dialect and checked, says for its answer. An empty one says nothing."""
    if not body:
        return Asked()
    members = _DECODE(body)
    repeated = {name: value for name, value in members.items() if name in REPEATED and value is not None}
    beside = members.get("tools")
    added = [tool for _, item in list_additional(members.get("input")) for tool in item["tools"]]
    tools = [*(cast("list[Any]", beside) if isinstance(beside, list) else ()), *added]
    return Asked(repeated, map_namespaces(tools), list_custom(tools))


def fill_in(known: dict[str, Any]) -> dict[str, Any]:
    """An answer with every member that it lacks."""
    return {**known, **{name: value for name, value in _BLANK.items() if name not in known}}


def strip(members: Extra) -> Extra:
    """The members of an answer that say something."""
    return {name: value for name, value in members.items() if value is not None and not _is_blank(name, value)}


def _is_blank(name: str, value: Any) -> bool:
    return name in _BLANK and value == _BLANK[name]
