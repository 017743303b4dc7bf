"""What the tools of a request add to its bound: words that a provider puts in for them, and how often its own may run.

A tool that the caller runs costs its description. One that the provider runs reads the whole conversation again after
each use, and has a fee; how often it may run must be limited, by the request or by the provider's row. Pure.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from tallygate.errors import UnsupportedParameter
from tallygate.genai.ceilings import Reach
from tallygate.genai.chat import Tool

TOOL_PROMPT_TOKENS: Final = 1_024
"""What a provider says to its model about a tool whose description it has itself, and about tools as such: at most
about 800 (platform.claude.com/docs/en/agents-and-tools/tool-use/overview, pricing)."""

CALLER_RUNS: Final = frozenset({None, "function", "custom"})

# Typed tools that a vendor describes and the caller runs (platform.claude.com/docs/en/agents-and-tools).
_CALLER_RUNS_TYPED: Final = ("bash_", "text_editor_", "computer_", "memory_")

_USES_MAX: Final = 1_000


class Added(Struct, frozen=True):
    """`prompt_tokens` for what the provider says about tools, and at most `uses` of those it runs."""

    prompt_tokens: int = 0
    uses: int = 0


def bound_tools(tools: Sequence[Tool], reach: Reach) -> Added:
    """What the tools add at one target.

    Raises UnsupportedParameter with the path of a tool that the provider runs without a limit.
    """
    typed = uses = 0
    for index, tool in enumerate(tools):
        typed += tool.kind not in CALLER_RUNS
        if not runs_at_provider(tool):
            continue
        limit = _read_limit(tool, reach.ceilings.server_tool_uses)
        path = f"tools[{index}]"
        if limit is None:
            raise UnsupportedParameter(
                f"`{path}` runs at the provider as often as the model likes, so the call cannot be priced before it is "
                f"made. Give it `max_uses`, from 0 to {_USES_MAX}.",
                param=f"{path}.max_uses",
            )
        if reach.context_tokens is None:
            raise UnsupportedParameter(
                f"`{path}` runs at the provider and reads the conversation again after each use; how long that can "
                "become is not known for this model.",
                param=path,
            )
        uses += limit
    # Where all are the caller's own, a sentence on tools as such is counted with their schemas.
    return Added(prompt_tokens=TOOL_PROMPT_TOKENS * (1 + typed) if typed else 0, uses=uses)


def runs_at_provider(tool: Tool) -> bool:
    """True unless the tool is known to be the caller's to run."""
    return tool.kind not in CALLER_RUNS and not tool.kind.startswith(_CALLER_RUNS_TYPED)


def _read_limit(tool: Tool, ceiling: int | None) -> int | None:
    value = tool.extra.get("max_uses")
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _USES_MAX:
        return value
    return ceiling if value is None else None
