"""The mountain range is a view: its bagged peaks are the root of RFC 6962."""

from tallygate.receipts import mmr
from tests.receipts import trees


def test_the_bagged_peaks_are_the_root() -> None:
    entries = trees.make_entries(200)
    read = trees.node_reader(entries)
    for size in range(201):
        seen = mmr.read_range(size, read)
        assert seen.root == trees.mth(entries[:size])
        assert len(seen.peaks) == size.bit_count()


def test_each_peak_is_the_root_of_its_leaves() -> None:
    entries = trees.make_entries(11)
    seen = mmr.read_range(11, trees.node_reader(entries))
    assert seen.peaks == (trees.mth(entries[:8]), trees.mth(entries[8:10]), trees.mth(entries[10:11]))
