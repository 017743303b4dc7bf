"""Thought, both ways: how much of it a request asks for, and the items that hold it.

Source: developers.openai.com/api/docs/guides/reasoning. A provider's seal travels in `encrypted_content`, the one
member that every client sends back untouched: so the seals of other providers stand there too, behind a mark of ours.
"""

from typing import Any, Final

from tallygate.dialects.fields import Fields, overlay, without_none
from tallygate.dialects.losses import Losses
from tallygate.dialects.openai_responses.marks import Place
from tallygate.genai.chat import ReasoningOptions
from tallygate.genai.messages import Extra, Reasoning

FORMAT: Final = "openai-responses-v1"
"""Whose seal it is, for other dialects to know (openrouter.ai/docs/use-cases/reasoning-tokens)."""

_SIGNED: Final = "tallygate:signature:"
_SEALED: Final = "tallygate:sealed:"
_BETWEEN: Final = "\n\n"
"""Between the paragraphs of a thought, which come as parts of their own."""

# What a budget of thinking tokens comes to where only an effort can be said.
_EFFORTS: Final = ((1_024, "low"), (8_192, "medium"))
_MOST: Final = "high"


def read_options(fields: Fields) -> ReasoningOptions | None:
    """`reasoning`; None if there is none, or it says nothing."""
    inner = fields.apart("reasoning")
    if inner is None:
        return None
    options = ReasoningOptions(effort=inner.text("effort"), summary=inner.text("summary"), extra=inner.rest())
    return None if options == ReasoningOptions() else options


def write_options(options: ReasoningOptions | None, losses: Losses) -> dict[str, Any] | None:
    """The member `reasoning`. Another dialect's budget becomes the nearest effort; that thoughts be shown asks for a
    summary. Whether to think at all is left to the provider.
    """
    if options is None:
        return None
    effort, summary = options.effort, options.summary
    if not losses.same:
        if effort is None and options.tokens_max:
            effort = next((name for most, name in _EFFORTS if options.tokens_max <= most), _MOST)
        if summary is None and options.exclude is False:
            summary = "auto"
        for name in ("tokens_max", "enabled", "exclude"):
            if getattr(options, name) is not None:
                losses.drop(f"reasoning.{name}")
    known = without_none({"effort": effort, "summary": summary})
    return losses.restore(known, options.extra, "reasoning") or None


def read_thought(fields: Fields, place: Place) -> Reasoning:
    """An item of type `reasoning`. Its text is all its paragraphs; where they are several they are kept as well."""
    raw = {name: fields.look(name) for name in ("summary", "content")}
    told = [
        text
        for name in raw
        for index, item in enumerate(fields.array(name))
        if (text := _read_paragraph(Fields(item, f"{fields.at(name)}[{index}]", fields.wrong)))
    ]
    text = _BETWEEN.join(told)
    signature, encrypted = _read_seal(fields.text("encrypted_content"))
    extra: Extra = {**place.read_marks(fields, "rs"), **fields.rest()}
    if encrypted is not None and not _is_ours(encrypted):
        extra["format"] = FORMAT
    elif encrypted is not None:
        encrypted = encrypted.removeprefix(_SEALED)
    for name, value in raw.items():
        if value and value != _paragraphs(name, text):
            extra[name] = value
    return Reasoning(text, signature, encrypted, extra)


def _read_paragraph(fields: Fields) -> str:
    return fields.text("text") or ""


def _paragraphs(name: str, text: str) -> list[dict[str, str]]:
    """What a thought without more to it has under this name: all its text as one paragraph of a summary."""
    return [{"type": "summary_text", "text": text}] if text and name == "summary" else []


def _read_seal(text: str | None) -> tuple[str | None, str | None]:
    if not text:
        return None, None
    if text.startswith(_SIGNED):
        return text.removeprefix(_SIGNED), None
    return None, text


def _is_ours(encrypted: str) -> bool:
    return encrypted.startswith(_SEALED)


def write_seal(thought: Reasoning) -> str | None:
    """The seal of a thought, whoever's it is."""
    if thought.encrypted is not None:
        return thought.encrypted if thought.extra.get("format") == FORMAT else _SEALED + thought.encrypted
    return None if thought.signature is None else _SIGNED + thought.signature


def write_thought(thought: Reasoning, *, same: bool) -> dict[str, Any]:
    """The item that holds a thought, without an id if it brought none."""
    extra = dict(thought.extra) if same else {}
    extra.pop("format", None)
    item: dict[str, Any] = {"type": "reasoning"}
    item["summary"] = extra.pop("summary", None) or _paragraphs("summary", "" if "content" in extra else thought.text)
    if content := extra.pop("content", None):
        item["content"] = content
    if seal := write_seal(thought):
        item["encrypted_content"] = seal
    return overlay(item, extra)
