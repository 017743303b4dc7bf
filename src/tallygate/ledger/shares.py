"""Which part of a charge is for tokens that went in, and which for tokens that came out. Pure; for telling, not for
charging: the charge is one amount.
"""

from typing import NamedTuple

from tallygate.genai.usage import Usage
from tallygate.ledger.prices import INPUT_KINDS, OUTPUT_KINDS, Price, itemise


class Shares(NamedTuple):
    """Parts of a charge, in nano-USD. What was paid for anything but tokens is in neither."""

    input_nusd: int
    output_nusd: int


def split_charge(price: Price, usage: Usage, charged_nusd: int) -> Shares:
    """The shares of a charge. Where less was charged than the usage comes to, what came out is what was not paid."""
    lines = itemise(price, usage)
    taken = sum(line.amount_nusd for line in lines if line.kind in INPUT_KINDS)
    made = sum(line.amount_nusd for line in lines if line.kind in OUTPUT_KINDS)
    input_nusd = min(taken, charged_nusd)
    return Shares(input_nusd, min(made, charged_nusd - input_nusd))
