"""Why an answer ended, both ways: the wire's word and ours.

The word as it came is kept where writing ours would give another. Source:
platform.claude.com/docs/en/build-with-claude/handling-stop-reasons.
"""

from typing import Any, Final

from tallygate.genai.chat import FinishReason

_READ: Final[dict[str, FinishReason]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "pause_turn": "pause",
    "compaction": "pause",
    "refusal": "refusal",
}
_WRITTEN: Final[dict[FinishReason, str]] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "refusal": "refusal",
    "pause": "pause_turn",
}


def read_stop_reason(word: Any, stop_sequence: str | None) -> tuple[FinishReason | None, str | None]:
    """Our word, and the wire's if ours would not give it back. An unknown word is a `stop`: the answer did end."""
    if not isinstance(word, str) or not word:
        return None, None
    reason = _READ.get(word, "stop")
    return reason, None if write_stop_reason(reason, stop_sequence) == word else word


def write_stop_reason(reason: FinishReason | None, stop_sequence: str | None) -> str | None:
    """The wire's word for ours. `error` has none: such an answer is told as an error."""
    if reason is None:
        return None
    if reason == "stop" and stop_sequence is not None:
        return "stop_sequence"
    return _WRITTEN.get(reason, "end_turn")
