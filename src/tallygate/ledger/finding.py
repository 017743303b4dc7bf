"""What an audit of the ledger found wrong, one value for each figure that is not what the transfers say. No rules."""

from msgspec import Struct

from tallygate.ledger.money import print_usd


class Finding(Struct, frozen=True):
    """One figure of the book: where it stands, which one it is, what it should be and what it is."""

    place: str
    figure: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.place}: {self.figure}: expected {self.expected}, found {self.found}"


def show_amount(amount: object) -> str:
    """An amount in USD; what is none is shown as it was found."""
    return f"{print_usd(amount)} USD" if type(amount) is int else f"{amount!r}, which is no amount"
