"""What may be embedded, and which item is named where something may not."""

from typing import Any

import msgspec
import pytest

from tallygate.dialects.openai_media.embed_input import INPUTS_MAX, read_input, write_input
from tallygate.errors import InvalidValue


@pytest.mark.parametrize(
    ("given", "inputs", "alone"),
    [
        ("a", ("a",), True),
        (["a"], ("a",), False),
        (["a", "b"], ("a", "b"), False),
        ([1, 0, 2**31 - 1], ((1, 0, 2**31 - 1),), True),
        ([[1], [2, 3]], ((1,), (2, 3)), False),
        (["a"] * INPUTS_MAX, ("a",) * INPUTS_MAX, False),
    ],
)
def test_each_kind_is_read_and_written_as_it_was(given: Any, inputs: Any, alone: bool) -> None:
    assert read_input(given) == (inputs, alone)
    assert msgspec.json.decode(msgspec.json.encode(write_input(inputs, alone=alone))) == given


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ("", "input"),
        ([], "input"),
        (None, "input"),
        ({"text": "a"}, "input"),
        (1.5, "input"),
        ([""], "input[0]"),
        (["a", ""], "input[1]"),
        (["a", 1], "input[1]"),
        (["a", ["b"]], "input[1]"),
        (["a", None], "input[1]"),
        ([1, "a"], "input[1]"),
        ([1, -1], "input[1]"),
        ([1, 2.5], "input[1]"),
        ([1, True], "input[1]"),
        ([True], "input[0]"),
        ([2**31], "input[0]"),
        ([[]], "input[0]"),
        ([[1], []], "input[1]"),
        ([[1], 2], "input[1]"),
        ([[1], ["a"]], "input[1][0]"),
        ([{"type": "image_url"}], "input[0]"),
        (["a"] * (INPUTS_MAX + 1), "input"),
        ([[1]] * (INPUTS_MAX + 1), "input"),
    ],
)
def test_what_is_of_no_kind_or_of_two_is_refused_by_name(given: Any, param: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        read_input(given)
    assert refused.value.param == param
    assert f"`{param}`" in refused.value.message
