"""A run's answer beside a chat's, both ways, whole or as a frame of a stream: one choice, its words as `text`.

What the provider said of its answer, its model's name, its usage and the like, stands in `reported`. Members that are
nobody's here pass through.
"""

from typing import Any, Final

from tallygate.errors import InvalidAnswer

REPORTED: Final = "reported"
BESIDE: Final = ("tool_calls", "refusal", "reasoning_content", "reasoning_details")
"""Members of a chat's message that stand beside the text."""
_COUNTS: Final = {"prompt_tokens": "tokens_in", "completion_tokens": "tokens_out"}
_NOT_REPORTED: Final = frozenset({"id", "object", "choices"})


def say_message(message: dict[str, Any]) -> dict[str, Any]:
    """What a message, or a piece of one, says beside its text."""
    return {name: message[name] for name in BESIDE if message.get(name) is not None}


def say_reported(answer: dict[str, Any]) -> dict[str, Any]:
    """What a chat's answer, or a chunk of one, says of itself."""
    return {name: value for name, value in answer.items() if name not in _NOT_REPORTED}


def count(usage: Any) -> dict[str, Any]:
    """How many tokens went in and came out, where a chat's usage has it: a provider's may hold others only."""
    if not isinstance(usage, dict) or not _COUNTS.keys() <= usage.keys():
        return {}
    return {name: usage[theirs] for theirs, name in _COUNTS.items()}


def to_run(answer: dict[str, Any]) -> dict[str, Any]:
    """A chat's whole answer as a run's. Raises InvalidAnswer if it has several choices."""
    choices: list[dict[str, Any]] = answer["choices"]
    if len(choices) > 1:
        raise InvalidAnswer("The provider gave several answers where one was asked for.")
    choice: dict[str, Any] = choices[0] if choices else {"message": {}}
    message: dict[str, Any] = choice["message"]
    return {
        "success": True,
        "run_id": answer["id"],
        "text": message.get("content") or "",
        "finish_reason": choice.get("finish_reason"),
        **say_message(message),
        **count(answer.get("usage")),
        REPORTED: say_reported(answer),
    }


def to_chat(members: dict[str, Any]) -> dict[str, Any]:
    """A run's whole answer as a chat's, without what is the run's alone."""
    message = {"role": "assistant", "content": members.get("text"), **say_message(members)}
    choice = {"index": 0, "message": message, "finish_reason": members.get("finish_reason")}
    return {**_find_reported(members), "id": members.get("run_id"), "choices": [choice]}


def to_chunk(frame: dict[str, Any]) -> dict[str, Any]:
    """A frame of a run's stream as a chunk of a chat's."""
    head = {**_find_reported(frame), "id": frame.get("run_id")}
    if frame.get("done"):
        return {**head, "choices": []}
    delta = say_message(frame)
    if frame.get("text"):
        delta["content"] = frame["text"]
    return {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": frame.get("finish_reason")}]}


def _find_reported(members: dict[str, Any]) -> dict[str, Any]:
    """What was reported, with the plain counts where no finer ones are."""
    reported = members.get(REPORTED)
    if reported is None:
        reported = {}
    if not isinstance(reported, dict):
        raise InvalidAnswer(f"`{REPORTED}` must be an object.")
    known: dict[str, Any] = reported  # pyright: ignore[reportUnknownVariableType]
    if known.get("usage") is None and members.get("tokens_in") is not None:
        usage = {"prompt_tokens": members["tokens_in"], "completion_tokens": members.get("tokens_out")}
        return {**known, "usage": usage}
    return known
