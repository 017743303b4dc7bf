"""The text of checkpoints: the example of its specification, and what is not one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.receipts import checkpoint
from tallygate.receipts.checkpoint import BadCheckpoint, Checkpoint

# The example at https://c2sp.org/tlog-checkpoint.
EXAMPLE = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"


def test_the_example_of_the_specification() -> None:
    read = checkpoint.read(EXAMPLE)
    assert (read.origin, read.size, read.extensions) == ("example.com/behind-the-sofa", 20852163, ())
    assert read.root.hex() == "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62"
    assert checkpoint.write(read) == EXAMPLE


def test_extension_lines_are_kept() -> None:
    read = checkpoint.read(EXAMPLE + "more\nand more\n")
    assert read.extensions == ("more", "and more")
    assert checkpoint.write(read) == EXAMPLE + "more\nand more\n"


@given(st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_what_is_written_is_read(size: int, root: bytes) -> None:
    written = Checkpoint("example.com/log", size, root)
    assert checkpoint.read(checkpoint.write(written)) == written


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        EXAMPLE[:-1],
        EXAMPLE + "\n",
        "\n" + EXAMPLE,
        EXAMPLE.replace("20852163", "020852163"),
        EXAMPLE.replace("20852163", "+20852163"),
        EXAMPLE.replace("20852163", "20852163 "),
        EXAMPLE.replace("20852163", "٣"),
        EXAMPLE.replace("20852163", str(2**63)),
        EXAMPLE.replace("20852163", ""),
        EXAMPLE.replace("CsUY", "CsU"),
        EXAMPLE.replace("q2I=", "q2J="),
        EXAMPLE.replace("CsUYapGG", ""),
        "o" * 256 + EXAMPLE,
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(BadCheckpoint):
        checkpoint.read(text)
