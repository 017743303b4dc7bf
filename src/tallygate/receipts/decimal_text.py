"""Numbers as the formats of the log write them: ASCII decimals without sign and without leading zeros."""

import re

NUMBER_MAX = 2**63 - 1

_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


def read_number(text: str) -> int:
    """A number from 0 to 2**63 - 1. Raises ValueError for any other spelling."""
    if not _NUMBER.fullmatch(text) or (number := int(text)) > NUMBER_MAX:
        raise ValueError("this is not a decimal number in its shortest form")
    return number
