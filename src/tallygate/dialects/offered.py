"""Tools that some clients offer with every call, whoever serves it, and that a model may do without.

They run at their own dialect's provider. Elsewhere they are left out and named, unless the model must use one: then the
call is refused, as it is for every other tool of a provider's own.
"""

from collections.abc import Sequence
from typing import Final

from tallygate.dialects.losses import Losses
from tallygate.genai.chat import Tool, ToolChoice

OFFERED: Final = frozenset({
    "tool_search",  # finds tools beyond those that are shown; the model does with these
    "web_search",  # a model that cannot search answers from what it knows
    "web_search_preview",  # the same
})  # fmt: skip


def keep_tools(tools: Sequence[Tool], choice: ToolChoice | None, losses: Losses) -> list[tuple[Tool, str]]:
    """The tools that are to be written, each with its path. Raises UnsupportedParameter for one that must be used."""
    placed = [(tool, f"tools[{index}]") for index, tool in enumerate(tools)]
    kept = [(tool, path) for tool, path in placed if losses.same or tool.kind not in OFFERED]
    if len(kept) == len(placed):
        return kept
    if choice is not None and (choice.kind in OFFERED or (not kept and choice.mode == "required")):
        raise losses.refuse("tool_choice", "The tool that must be used runs at its own provider and nowhere else.")
    for tool in tools:
        if tool.kind in OFFERED:
            losses.drop(f"tools.{tool.kind}")
    return kept
