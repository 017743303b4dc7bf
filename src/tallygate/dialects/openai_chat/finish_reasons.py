"""Why a choice ended, both ways: the wire's word and ours.

The word as it came is kept where writing ours would give another. Words that the vendor's reference does not have are
those seen from engines and proxies that speak this wire.
"""

from typing import Any, Final

from tallygate.genai.chat import FinishReason

_READ: Final[dict[str, FinishReason]] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "error": "error",
    "abort": "error",  # docs.vllm.ai: the engine gave the call up
    "aborted": "error",
    "insufficient_system_resource": "error",  # api-docs.deepseek.com/api/create-chat-completion
    "model_length": "length",  # docs.mistral.ai/api
    "max_tokens": "length",
    "max_output_tokens": "length",
    "tool_use": "tool_calls",
    "tool_call": "tool_calls",
    "safety": "content_filter",
    "recitation": "content_filter",
    "prohibited_content": "content_filter",
    "blocklist": "content_filter",
    "refusal": "refusal",
    "pause_turn": "pause",
}

# Clients know five words; a refusal is the nearest to filtered content, a pause to an ordinary end.
_WRITTEN: Final[dict[FinishReason, str]] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "content_filter",
    "pause": "stop",
    "error": "error",
}


def read_finish_reason(word: Any) -> tuple[FinishReason | None, str | None]:
    """Our word, and the wire's if ours would not give it back. An unknown word is a `stop`: the choice did end."""
    if not isinstance(word, str) or not word:
        return None, None
    reason = _READ.get(word.lower(), "stop")
    return reason, None if _WRITTEN[reason] == word else word


def write_finish_reason(reason: FinishReason | None) -> str | None:
    """The wire's word for ours."""
    return None if reason is None else _WRITTEN[reason]
