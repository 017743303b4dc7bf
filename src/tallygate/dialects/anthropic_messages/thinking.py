"""How much a request asks the model to think, both ways: `thinking` and `output_config.effort`.

Source: platform.claude.com/docs/en/build-with-claude/adaptive-thinking and /effort. Which model takes which of the two
forms is known to the provider only.
"""

from typing import Any, Final

from tallygate.dialects.anthropic_messages.peek import TOKENS_MAX
from tallygate.dialects.fields import Fields, overlay, without_none
from tallygate.dialects.losses import Losses
from tallygate.genai.chat import ChatRequest, ReasoningOptions

_BUDGET_MIN: Final = 1_024
_OFFERED: Final = frozenset({"low", "medium", "high", "xhigh", "max"})
_FORCED: Final = frozenset({"required", "tool", "allowed_required"})
_DISPLAYED: Final = {"summarized": False, "omitted": True}


def read_options(fields: Fields, config: Fields | None) -> ReasoningOptions | None:
    """The wishes of a request; `config` is its `output_config`. None if it has none."""
    effort = config.text("effort") if config is not None else None
    inner = fields.apart("thinking")
    if inner is None:
        return None if effort is None else ReasoningOptions(effort=effort)
    kind = inner.need_text("type")
    budget = inner.integer("budget_tokens", 0, TOKENS_MAX) if kind == "enabled" else None
    display = inner.look("display")
    exclude = _DISPLAYED.get(display) if isinstance(display, str) else None
    if exclude is not None:
        inner.take("display")
    enabled = {"enabled": True, "adaptive": True, "disabled": False}.get(kind)
    # A type that the other members do not tell.
    told = kind == _name_type(enabled, budget)
    extra = inner.rest() if told else {"type": kind, **inner.rest()}
    return ReasoningOptions(effort=effort, tokens_max=budget, enabled=enabled, exclude=exclude, extra=extra)


def _name_type(enabled: bool | None, budget: int | None) -> str | None:
    if enabled is False:
        return "disabled"
    if budget is not None:
        return "enabled"
    return "adaptive" if enabled else None


def write_options(request: ChatRequest, losses: Losses) -> tuple[dict[str, Any] | None, str | None]:
    """The members `thinking` and `output_config.effort`."""
    options = request.reasoning
    if options is None:
        return None, None
    if not losses.same:
        return _write_foreign(options, request, losses)
    kind = options.extra.get("type") or _name_type(options.enabled, options.tokens_max)
    if kind is None:
        return None, options.effort
    display = None if options.exclude is None else "omitted" if options.exclude else "summarized"
    known = without_none({"type": kind, "budget_tokens": options.tokens_max, "display": display})
    return overlay(known, options.extra), options.effort


def _write_foreign(
    options: ReasoningOptions, request: ChatRequest, losses: Losses
) -> tuple[dict[str, Any] | None, str | None]:
    """Another dialect's wishes: an effort, or being switched on, is adaptive thinking; a budget is a budget."""
    losses.restore({}, options.extra, "reasoning")
    effort = _fit_effort(options.effort, losses)
    if options.enabled is False or options.effort == "none" or options.tokens_max == 0:
        return {"type": "disabled"}, None
    choice = request.tool_choice
    if choice is not None and choice.mode in _FORCED and request.tools:
        # Thinking and a forced tool are an error there, and the tool is what was asked.
        losses.drop("reasoning")
        return None, effort
    thinking: dict[str, Any] = {"type": "adaptive"}
    if options.tokens_max is not None:
        if options.tokens_max < _BUDGET_MIN:
            losses.drop("reasoning.tokens_max")
        thinking = {"type": "enabled", "budget_tokens": max(options.tokens_max, _BUDGET_MIN)}
    elif options.enabled is None and options.effort is None:
        # How thoughts are shown, without a word on whether to think: that is the provider's to say.
        for name in ("summary", "exclude"):
            if getattr(options, name) is not None:
                losses.drop(f"reasoning.{name}")
        return None, None
    if options.exclude is not None:
        thinking["display"] = "omitted" if options.exclude else "summarized"
    elif options.summary is not None:
        thinking["display"] = "summarized"
        if options.summary != "auto":
            losses.drop("reasoning.summary")
    return thinking, effort


def _fit_effort(effort: str | None, losses: Losses) -> str | None:
    if effort is None or effort == "none" or effort in _OFFERED:
        return None if effort == "none" else effort
    losses.drop("reasoning.effort")
    return "low" if effort == "minimal" else None
