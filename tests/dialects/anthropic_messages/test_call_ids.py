"""Ids of tool calls on a wire that takes few characters."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.dialects.anthropic_messages.call_ids import read_call_id, write_call_id

ANYTHING = st.text(st.characters(exclude_categories=["Cs"]))


@given(ANYTHING | st.from_regex(r"tally64_[A-Za-z0-9_-]{0,12}", fullmatch=True))
def test_every_id_comes_back_from_a_form_the_wire_takes(id_: str) -> None:
    written = write_call_id(id_)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", written)
    assert read_call_id(written) == id_


@pytest.mark.parametrize("id_", ["toolu_01A09q90qw90lq917835lq9", "call_abc-1", "tally64"])
def test_ids_that_fit_stay_as_they_are(id_: str) -> None:
    assert write_call_id(id_) == id_


@pytest.mark.parametrize("id_", ["tally64_*", "tally64_A", "tally64__w"])
def test_what_only_looks_like_ours_is_read_as_it_is(id_: str) -> None:
    assert read_call_id(id_) == id_
