"""How likely each token was, as this wire tells it: four lists side by side, where a chat has one list of objects.

Sources: platform.openai.com/docs/api-reference/completions/object and …/chat/object.
"""

from typing import Any, cast


def to_lists(logprobs: Any, begins_at: int = 0) -> Any:
    """A chat's log probabilities in this wire's form; what has another form stays as it is.

    `begins_at`: how many characters of the choice's text came before.
    """
    if not isinstance(logprobs, dict):
        return logprobs
    tokens = cast(dict[str, Any], logprobs).get("content")
    if not isinstance(tokens, list):
        return cast(Any, logprobs)
    items = [cast(dict[str, Any], item) for item in cast(list[Any], tokens) if isinstance(item, dict)]
    texts = [str(item.get("token", "")) for item in items]
    offsets: list[int] = []
    for text in texts:
        offsets.append(begins_at)
        begins_at += len(text)
    return {
        "tokens": texts,
        "token_logprobs": [item.get("logprob") for item in items],
        "top_logprobs": [_to_table(item.get("top_logprobs")) for item in items],
        "text_offset": offsets,
    }


def _to_table(alternatives: Any) -> dict[str, Any]:
    if not isinstance(alternatives, list):
        return {}
    items = [cast(dict[str, Any], item) for item in cast(list[Any], alternatives) if isinstance(item, dict)]
    return {str(item.get("token", "")): item.get("logprob") for item in items}
