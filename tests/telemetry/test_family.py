"""Figures of several processes add up to those of the gateway."""

from hypothesis import given
from hypothesis import strategies as st

from tallygate.telemetry.family import Family, Sample, merge

samples = st.builds(
    Sample,
    st.tuples(st.sampled_from("abc")),
    st.integers(0, 1 << 60),
    st.lists(st.integers(0, 1 << 40), min_size=3, max_size=3).map(tuple),
)
families = st.builds(
    lambda name, found: Family(name, "histogram", "", ("x",), tuple(found), bounds=(1.0, 2.0)),
    st.sampled_from(["one", "two"]),
    st.lists(samples, max_size=3, unique_by=lambda sample: sample.labels),
)


@given(st.lists(families, max_size=5))
def test_nothing_is_lost_and_nothing_counted_twice(given_: list[Family]) -> None:
    merged = merge(given_)
    assert len({family.name for family in merged}) == len(merged)
    for name in ("one", "two"):
        before = [sample for family in given_ if family.name == name for sample in family.samples]
        after = [sample for family in merged if family.name == name for sample in family.samples]
        assert len({sample.labels for sample in after}) == len(after)
        assert sum(sample.value for sample in after) == sum(sample.value for sample in before)
        for at in range(3):
            assert sum(sample.counts[at] for sample in after) == sum(sample.counts[at] for sample in before)
