"""What the tools of a request add to its bound: words that a provider puts in for them, and how often its own may run.

A tool that the caller runs costs its description. One that the provider runs reads the whole conversation again after
each use, and has a fee; how often it may run must be limited, by the request or by the provider's row. Pure.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import msgspec
from msgspec import Struct

from tallygate.dialects.custom_tools import CARRIED_CHARACTERS_MAX
from tallygate.dialects.offered import OFFERED
from tallygate.dialects.openai_responses.additional import ADDITIONAL
from tallygate.dialects.openai_responses.losses import NAME as RESPONSES
from tallygate.errors import UnsupportedParameter
from tallygate.genai.ceilings import Reach
from tallygate.genai.chat import ChatRequest, Tool

TOOL_PROMPT_TOKENS: Final = 1_024
"""What a provider says to its model about a tool whose description it has itself, and about tools as such: at most
about 800 (platform.claude.com/docs/en/agents-and-tools/tool-use/overview, pricing)."""

CALLER_RUNS: Final = frozenset({None, "function", "custom"})

# Typed tools that a vendor describes and the caller runs (platform.claude.com/docs/en/agents-and-tools,
# developers.openai.com/api/docs/guides/tools).
_CALLER_RUNS_TYPED: Final = ("bash_", "text_editor_", "computer_", "memory_")
_CALLER_RUNS_NAMED: Final = frozenset({"apply_patch", "computer", "local_shell"})
_CALLER_MAY_RUN: Final[Mapping[str, tuple[str, str]]] = {
    "shell": ("environment", "local"),
    "tool_search": ("execution", "client"),
}
"""Tools that say themselves who runs them: the member that says it, and its word for the caller."""

_PRICED_OTHERWISE: Final = frozenset({"code_interpreter", "image_generation", "programmatic_tool_calling", "shell"})
"""Tools of a provider with another price than one for each use: for a container, for a picture."""

_USES_MAX: Final = 1_000
_TOGETHER: Final = "max_tool_calls"


class Added(Struct, frozen=True):
    """`prompt_tokens` for what the provider says about tools, and at most `uses` of those it runs."""

    prompt_tokens: int = 0
    uses: int = 0


def bound_tools(request: ChatRequest, reach: Reach) -> Added:
    """What the tools of a request add at one target.

    Raises UnsupportedParameter with the path of a tool that the provider runs without a limit, or at a price of its
    own.
    """
    typed = uses = 0
    together = _read_together(request)
    for index, tool in enumerate(request.tools):
        if reach.foreign and tool.kind in OFFERED:
            continue  # left out on the way there
        typed += tool.kind not in CALLER_RUNS
        if not runs_at_provider(tool):
            continue
        path = f"tools[{index}]"
        if tool.kind in _PRICED_OTHERWISE:
            raise UnsupportedParameter(
                f"`{path}` has a price of its own at the provider, so a call with it cannot be priced before it is "
                "made.",
                param=path,
            )
        limit = _read_limit(tool, reach.ceilings.server_tool_uses) if together is None else together
        if limit is None:
            raise _refuse_unlimited(path, request.dialect)
        if reach.context_tokens is None:
            raise UnsupportedParameter(
                f"`{path}` runs at the provider and reads the conversation again after each use; how long that can "
                "become is not known for this model.",
                param=path,
            )
        uses = uses + limit if together is None else together
    # Where all are the caller's own, a sentence on tools as such is counted with their schemas.
    described = TOOL_PROMPT_TOKENS * (1 + typed) if typed else 0
    described += _count_additional(request.tools) + (_count_carried(request.tools) if reach.foreign else 0)
    return Added(described + sum(map(_count_prefix, request.tools)), uses)


def _count_additional(tools: Sequence[Tool]) -> int:
    """Tools that stand in the input are described like those beside it, whose bytes are counted twice."""
    added = [tool for tool in tools if ADDITIONAL in tool.extra]
    return sum(len(msgspec.json.encode(tool)) for tool in added) + (TOOL_PROMPT_TOKENS if added else 0)


def _count_carried(tools: Sequence[Tool]) -> int:
    return CARRIED_CHARACTERS_MAX * sum(tool.kind == "custom" for tool in tools)


def _read_together(request: ChatRequest) -> int | None:
    """The limit of all tools together, which one wire knows."""
    return _read_uses(request.extra.get(_TOGETHER)) if request.dialect == RESPONSES else None


def _refuse_unlimited(path: str, dialect: str) -> UnsupportedParameter:
    name, param = ("max_uses", f"{path}.max_uses")
    if dialect == RESPONSES:
        name = param = _TOGETHER
    return UnsupportedParameter(
        f"`{path}` runs at the provider as often as the model likes, so the call cannot be priced before it is made. "
        f"Give `{name}`, up to {_USES_MAX}.",
        param=param,
    )


def _count_prefix(tool: Tool) -> int:
    """By how much a function's name is longer than in the body, where it stands for its namespace as well."""
    shared: Any = tool.extra.get("namespace")
    name: Any = cast("dict[str, Any]", shared).get("name") if isinstance(shared, dict) else None
    return len(name.encode()) + 2 if isinstance(name, str) else 0


def runs_at_provider(tool: Tool) -> bool:
    """True unless the tool is known to be the caller's to run."""
    if tool.kind in _CALLER_MAY_RUN:
        member, word = _CALLER_MAY_RUN[tool.kind]
        said: Any = tool.extra.get(member)
        return (cast("dict[str, Any]", said).get("type") if isinstance(said, dict) else said) != word
    caller_runs = tool.kind in CALLER_RUNS or tool.kind in _CALLER_RUNS_NAMED
    return not caller_runs and not tool.kind.startswith(_CALLER_RUNS_TYPED)


def _read_limit(tool: Tool, ceiling: int | None) -> int | None:
    value: Any = tool.extra.get("max_uses")
    return ceiling if value is None else _read_uses(value)


def _read_uses(value: Any) -> int | None:
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _USES_MAX
    return value if fits else None
