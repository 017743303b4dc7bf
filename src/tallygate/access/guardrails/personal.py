"""What tells of a person: kind ``pii``. Where a thing has a checksum or a range it is tried, so that a number is not
taken for a card.

Sources: ISO/IEC 7812-1 (cards, Luhn), ISO 13616 and the SWIFT registry (IBAN), RFC 5321 (mail), the Social Security
Administration's rules for numbers, E.164 (phones).
"""

import ipaddress
from collections.abc import Mapping
from typing import Final

from tallygate.access.guardrails.patterns import Shapes, Verify
from tallygate.access.guardrails.settings import GuardrailSettings

_IBAN_LENGTHS: Final = {
    15: "NO", 16: "BE", 18: "DK|FO|FI|GL|NL|SD", 19: "MK|SI", 20: "AT|BA|EE|KZ|LT|LU|XK|MN",
    21: "CH|HR|LI|LV", 22: "BG|BH|CR|DE|GB|GE|IE|ME|RS|VA", 23: "AE|GI|IL|IQ|OM|SO|TL",
    24: "AD|CZ|ES|MD|PK|RO|SA|SE|SK|TN|VG", 25: "LY|PT|ST", 26: "IS|TR", 27: "BI|DJ|FR|GR|IT|MC|MR|SM",
    28: "AL|AZ|BY|CY|DO|GT|HU|LB|NI|PL|SV", 29: "BR|EG|PS|QA|UA", 30: "JO|KW|MU", 31: "MT|SC", 32: "LC", 33: "RU",
}  # fmt: skip
"""How many symbols an IBAN has, by its country: so that the word behind it is never taken for its end."""

_IBAN: Final = "|".join(
    rf"(?:{countries})\d\d(?: ?[0-9A-Z]){{{length - 4}}}" for length, countries in _IBAN_LENGTHS.items()
)

SHAPES: Final[Mapping[str, str]] = {
    "email": r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,40}\.){1,3}[A-Za-z]{2,24}\b",
    "iban": rf"\b(?:{_IBAN})\b",
    "card": r"\b\d{4}(?:[ -]\d{4}){3}\b|\b3[47]\d{2}[ -]\d{6}[ -]\d{5}\b|\b\d{13,19}\b",
    "ssn": r"\b\d{3}-\d{2}-\d{4}\b",
    "phone": r"(?:\+|\b00)[1-9](?:[ .()/-]{0,2}\d){7,14}\b|\(?\b[2-9]\d{2}\)?[ .-]{1,2}[2-9]\d{2}[ .-]\d{4}\b",
    "ip": r"\b(?:\d{1,3}\.){3}\d{1,3}\b|\b[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{0,4}){2,7}",
}
"""In this order: what is longer, or can prove itself, comes first."""


def is_card(text: str) -> bool:
    """Whether the digits of a text end in the check digit that Luhn's rule gives them, and begin as a card's do."""
    digits = [int(char) for char in text if char.isdigit()]
    if digits[0] not in (2, 3, 4, 5, 6):
        return False
    doubled = [2 * digit - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def is_iban(text: str) -> bool:
    """Whether an IBAN's check digits are right (ISO 7064, MOD 97-10)."""
    plain = text.replace(" ", "")
    return int("".join(str(int(char, 36)) for char in plain[4:] + plain[:4])) % 97 == 1


def is_ssn(text: str) -> bool:
    """Whether a number of this shape can have been given to somebody."""
    area, group, serial = text.split("-")
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def is_ip(text: str) -> bool:
    """Whether an address could be one of somebody's. Times of day have two colons as well, and no IPv6 address."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return address.version == 4 or text.count(":") >= 3 or any(char.isdigit() for char in text)


VERIFY: Final[Mapping[str, Verify]] = {"card": is_card, "iban": is_iban, "ssn": is_ssn, "ip": is_ip}


def make(settings: GuardrailSettings) -> Shapes:
    """The check. Raises BadPattern for an `allow` that cannot be used."""
    chosen = {name: shape for name, shape in SHAPES.items() if not settings.find or name in settings.find}
    return Shapes(chosen, VERIFY, settings.allow)
