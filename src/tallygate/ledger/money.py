"""Amounts of money as whole numbers: nano-USD for amounts, pico-USD for unit prices.

Text is read and written exactly, as plain decimal strings, and only at the edges. A call's price is summed in pico-USD
and rounded up once. Nothing here knows what is bought.
"""

import re

AMOUNT_MAX = 2**63 - 1
"""The largest amount a row holds."""

USD_PLACES = 9
"""Decimals of an amount in USD."""
PER_MILLION_PLACES = 6
"""Decimals of a price in USD per million units: one pico-USD per unit is a millionth of a USD per million."""
PER_UNIT_PLACES = 12
"""Decimals of a price in USD per unit."""

_PICO_PER_NANO = 1_000
_DECIMAL = re.compile(r"(-?)(\d{1,19})(?:\.(\d{1,18}))?", re.ASCII)


def parse_usd(text: str, *, signed: bool = False) -> int:
    """Nano-USD of an amount in USD such as ``10.00``. Raises ValueError, with a sentence, for anything else."""
    return _parse(text, USD_PLACES, signed=signed)


def parse_price_per_million(text: str) -> int:
    """Pico-USD per unit of a price in USD per million units. Raises ValueError."""
    return _parse(text, PER_MILLION_PLACES)


def parse_price_per_unit(text: str) -> int:
    """Pico-USD per unit of a price in USD per unit: a call, an image, a second. Raises ValueError."""
    return _parse(text, PER_UNIT_PLACES)


def print_usd(amount_nusd: int) -> str:
    """An amount in USD, exact, with two decimals or as many as it needs: ``5.00``, ``-0.000001234``."""
    return _print(amount_nusd, USD_PLACES)


def print_price_per_million(price_pusd: int) -> str:
    """A unit price in USD per million units, exact."""
    return _print(price_pusd, PER_MILLION_PLACES)


def print_price_per_unit(price_pusd: int) -> str:
    """A unit price in USD per unit, exact."""
    return _print(price_pusd, PER_UNIT_PLACES)


def round_up(total_pusd: int) -> int:
    """Nano-USD of a call's sum in pico-USD, rounded up. Once per call: the sum is rounded, never its parts."""
    return -(-total_pusd // _PICO_PER_NANO)


def count_affordable(amount_nusd: int, price_pusd: int) -> int:
    """How many units at a price above zero an amount pays for."""
    return amount_nusd * _PICO_PER_NANO // price_pusd


def is_amount(value: object) -> bool:
    """Whether a value is an amount a row holds: an int, not a bool, not a float, not negative."""
    return type(value) is int and 0 <= value <= AMOUNT_MAX


def _parse(text: str, places: int, *, signed: bool = False) -> int:
    match = _DECIMAL.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f'{_shown(text)} is not an amount of money; write it as in "10.00"')
    sign, whole, fraction = match[1], match[2], match[3] or ""
    if sign and not signed:
        raise ValueError(f"{_shown(text)} is negative")
    if len(fraction.rstrip("0")) > places:
        raise ValueError(f"{_shown(text)} has more than {places} decimals")
    value = int(whole + fraction[:places].ljust(places, "0"))
    if value > AMOUNT_MAX:
        raise ValueError(f"{_shown(text)} is more than this gateway counts")
    return -value if sign else value


def _print(value: int, places: int) -> str:
    whole, fraction = divmod(abs(value), 10**places)
    decimals = f"{fraction:0{places}}".rstrip("0").ljust(2, "0")
    return f"{'-' if value < 0 else ''}{whole}.{decimals}"


def _shown(text: object) -> str:
    """What was written, as it may stand in a message."""
    return repr(text[:40]) if isinstance(text, str) else f"a value of type {type(text).__name__}"
