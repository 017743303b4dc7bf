"""What an audit of receipts or of the log found wrong: a place and a sentence. No rules."""

from msgspec import Struct


class Flaw(Struct, frozen=True):
    """Something wrong: where, and what."""

    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"
