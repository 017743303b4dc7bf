"""Log probabilities of a chat in the older form."""

from typing import Any

from tallygate.dialects.openai_completions.logprobs import to_lists

A: dict[str, Any] = {"token": "ab", "logprob": -0.5, "bytes": [97], "top_logprobs": [{"token": "ab", "logprob": -0.5}]}
B: dict[str, Any] = {"token": "c", "logprob": -1.5, "top_logprobs": None}


def test_one_list_of_objects_becomes_four_lists() -> None:
    assert to_lists({"content": [A, B], "refusal": None}, 3) == {
        "tokens": ["ab", "c"],
        "token_logprobs": [-0.5, -1.5],
        "top_logprobs": [{"ab": -0.5}, {}],
        "text_offset": [3, 5],
    }


def test_what_has_another_form_stays() -> None:
    for other in (None, {"tokens": ["a"]}, {"content": None}, []):
        assert to_lists(other) == other
