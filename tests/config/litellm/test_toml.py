"""Whatever is written is TOML, and says what was meant."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from tallygate.config.litellm.toml import spell, spell_key

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    TEXTS | st.booleans() | st.integers(-(2**62), 2**62),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(TEXTS, VALUES)
def test_what_is_written_is_read_again(key: str, value: object) -> None:
    assert tomllib.loads(f"[a.{spell_key(key)}]\n{spell_key(key)} = {spell(value)}\n") == {"a": {key: {key: value}}}
