"""Thought, both ways: how much of it a request asks for, and what a turn or an answer holds of it.

Three spellings are read. `reasoning_content` (api-docs.deepseek.com/guides/reasoning_model, vLLM, llama.cpp) and
`reasoning` (newer vLLM, Ollama) are the same text; `reasoning_details` is its finer form, with signatures and sealed
thoughts (openrouter.ai/docs/use-cases/reasoning-tokens). Where both are there the finer form counts.
"""

from collections.abc import Sequence
from typing import Any

from tallygate.dialects.fields import Fields, overlay, without_none
from tallygate.dialects.losses import Losses
from tallygate.genai.chat import ReasoningOptions
from tallygate.genai.messages import Extra, Reasoning

TOKENS_MAX = 2**31 - 1

_PLAIN = "reasoning.text"
_SEALED = "reasoning.encrypted"
_SUMMARY = "reasoning.summary"

# What a budget of thinking tokens comes to where only an effort can be said; the steps are those of
# ai.google.dev/gemini-api/docs/openai (reasoning_effort).
_EFFORTS = ((1_024, "low"), (8_192, "medium"))
_MOST = "high"
_BEYOND = ("xhigh", "max")  # few providers know them


def read_options(fields: Fields) -> ReasoningOptions | None:
    """`reasoning_effort` and `reasoning{effort, max_tokens, exclude, enabled, summary}`; None if there is neither."""
    effort = fields.text("reasoning_effort")
    inner = fields.apart("reasoning")
    if inner is None:
        return None if effort is None else ReasoningOptions(effort=effort)
    finer = inner.text("effort")
    if effort is not None and finer is not None and effort != finer:
        raise fields.wrong("`reasoning_effort` and `reasoning.effort` differ; give one of them.", param="reasoning")
    options = ReasoningOptions(
        effort=finer or effort,
        tokens_max=inner.integer("max_tokens", 0, TOKENS_MAX),
        summary=inner.text("summary"),
        enabled=inner.flag("enabled"),
        exclude=inner.flag("exclude"),
        extra=inner.rest(),
    )
    return None if options == ReasoningOptions() else options


def write_options(options: ReasoningOptions | None, losses: Losses) -> dict[str, Any]:
    """The members that say `options` in a request's body."""
    if options is None:
        return {}
    if not losses.same:
        return _write_effort(options, losses)
    if options == ReasoningOptions(effort=options.effort):
        return without_none({"reasoning_effort": options.effort})
    known = {
        "effort": options.effort,
        "max_tokens": options.tokens_max,
        "summary": options.summary,
        "enabled": options.enabled,
        "exclude": options.exclude,
    }
    return {"reasoning": overlay(without_none(known), options.extra)}


def _write_effort(options: ReasoningOptions, losses: Losses) -> dict[str, Any]:
    """For a request of another dialect: the one member that every provider of this wire knows.

    A budget becomes the nearest effort. Whether thoughts are shown, or thinking is merely switched on or off, is left
    to the provider: it changes what is seen of the work, not what was asked.
    """
    effort = options.effort
    if effort in _BEYOND:
        effort = _MOST
        losses.drop("reasoning.effort")
    if effort is None and options.tokens_max:
        effort = next((name for most, name in _EFFORTS if options.tokens_max <= most), _MOST)
        losses.drop("reasoning.tokens_max")
    for name in ("summary", "enabled", "exclude"):
        if getattr(options, name) is not None:
            losses.drop(f"reasoning.{name}")
    losses.restore({}, options.extra, "reasoning")
    return without_none({"reasoning_effort": effort})


def read_thoughts(fields: Fields) -> tuple[Reasoning, ...]:
    """The thoughts of a whole message, in order."""
    plain = _read_plain(fields)
    details = fields.array("reasoning_details")
    thoughts = [read_detail(Fields(item, fields.at("reasoning_details"), fields.wrong)) for item in details]
    if plain and not any(thought.text for thought in thoughts):
        thoughts.insert(0, Reasoning(plain))
    return tuple(thoughts)


def _read_plain(fields: Fields) -> str:
    older, newer = fields.text("reasoning_content"), fields.text("reasoning")
    return older or newer or ""


def read_detail(fields: Fields) -> Reasoning:
    """One item of `reasoning_details`, whole or a fragment. `index` is its place, which the order already tells."""
    kind = fields.look("type")
    fields.take("index")
    if kind == _SEALED:
        fields.take("type")
        return Reasoning(encrypted=fields.text("data"), extra=fields.rest())
    if kind == _SUMMARY:
        return Reasoning(text=fields.text("summary") or "", extra=fields.rest())
    if kind == _PLAIN or kind is None:
        fields.take("type")
    return Reasoning(text=fields.text("text") or "", signature=fields.text("signature"), extra=fields.rest())


def write_thoughts(thoughts: Sequence[Reasoning], *, same: bool) -> dict[str, Any]:
    """The members that hold `thoughts` in a whole message. `same`: their extras are of this dialect."""
    if not thoughts:
        return {}
    text = "".join(thought.text for thought in thoughts)
    plain: dict[str, Any] = {"reasoning_content": text} if text else {}
    if len(thoughts) == 1 and thoughts[0] == Reasoning(text):
        return plain
    details = [write_detail(thought, index, thought.extra if same else {}) for index, thought in enumerate(thoughts)]
    return {**plain, "reasoning_details": details}


def write_detail(thought: Reasoning, index: int, extra: Extra) -> dict[str, Any]:
    """One item of `reasoning_details`. Without its `extra` it is a text, or sealed."""
    known: dict[str, Any]
    if thought.encrypted is not None:
        known = {"type": _SEALED, "data": thought.encrypted, "index": index}
    elif extra.get("type") == _SUMMARY:
        known = {"type": _SUMMARY, "summary": thought.text, "index": index}
    else:
        kind = extra.get("type", _PLAIN)
        known = without_none({"type": kind, "text": thought.text, "signature": thought.signature, "index": index})
    return overlay(known, extra)
