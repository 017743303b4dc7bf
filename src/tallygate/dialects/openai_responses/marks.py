"""What an item says of itself beside its content: its id, whether it is complete, which phase of the work it is of.

Ids that this gateway made, because an answer of another dialect has none for its items, are made from the answer's id
and the item's place, and so are known again and say nothing. No clock, no chance.
"""

from typing import Any, Final

from msgspec import Struct

from tallygate.dialects.fields import Fields
from tallygate.genai.messages import Extra

MARKS: Final = ("id", "status", "phase")

UNKEPT: Final = "rs_unkept"
"""What the made id of a thought begins with, in place of ``rs``. Some clients send a thought by its id alone: by this
one it is known that nobody has it."""

_ID_CHARACTERS_MAX: Final = 48
"""How much of an answer's id goes into those of its items, which may have 64 characters."""


class Place(Struct, frozen=True):
    """Where an item stands: in which answer, empty in a request, and the how manieth it is there."""

    answer_id: str = ""
    index: int = 0

    def make_id(self, prefix: str) -> str:
        """The id of an item that was given none."""
        return f"{prefix}_{self.answer_id[:_ID_CHARACTERS_MAX]}_{self.index}"

    def read_marks(self, fields: Fields, prefix: str) -> Extra:
        """The marks of an item, taken out of it, without what says nothing: a made id, that it is complete."""
        marks: dict[str, Any] = {name: fields.take(name) for name in MARKS}
        if is_unkept(marks["id"]):
            marks["id"] = None
        if marks["status"] in ("completed", "in_progress"):
            marks["status"] = None
        if marks["id"] == self.make_id(prefix):
            marks["id"] = None
        return {name: value for name, value in marks.items() if value is not None}


def is_unkept(item_id: Any) -> bool:
    """True for the id of a thought that was made here, so that no provider can know it."""
    return isinstance(item_id, str) and item_id.startswith(f"{UNKEPT}_")
