"""Checkpoints: what a log says about its tree, as the text of a signed note (https://c2sp.org/tlog-checkpoint).

Text only: `note` signs it and checks who has. Extension lines are read, for they may stand in a foreign checkpoint, and
never written by this log.
"""

from msgspec import Struct

from tallygate.receipts import base64_text, merkle
from tallygate.receipts.decimal_text import read_number

ORIGIN_LENGTH_MAX = 255


class BadCheckpoint(ValueError):
    """This is not the text of a checkpoint. The message says why."""


class Checkpoint(Struct, frozen=True):
    """A tree's head: the log's origin, how many leaves it has, and the root over them."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()


def write(checkpoint: Checkpoint) -> str:
    """The text of a checkpoint, ready to be signed."""
    lines = (checkpoint.origin, str(checkpoint.size), base64_text.encode(checkpoint.root), *checkpoint.extensions)
    return "".join(f"{line}\n" for line in lines)


def read(text: str) -> Checkpoint:
    """The checkpoint of a note's text. Raises BadCheckpoint."""
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop() or not all(lines):
        raise BadCheckpoint("a checkpoint has at least three lines, and none is empty")
    origin, size, root, *extensions = lines
    if len(origin) > ORIGIN_LENGTH_MAX:
        raise BadCheckpoint("the origin of a checkpoint is too long")
    try:
        checkpoint = Checkpoint(origin, read_number(size), base64_text.decode(root), tuple(extensions))
    except ValueError as error:
        raise BadCheckpoint("a checkpoint has a decimal size and a root in base64") from error
    if len(checkpoint.root) != merkle.HASH_BYTES:
        raise BadCheckpoint("the root in a checkpoint has 32 bytes")
    return checkpoint
