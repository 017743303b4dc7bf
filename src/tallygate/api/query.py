"""What stands behind the `?` of an address, by an allow list: a name that is not expected, or twice, is refused.

Silently ignoring `form=` for `from=` would answer another question than the one that was asked.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

from tallygate.errors import InvalidValue

FIELDS_MAX = 32
VALUE_CHARACTERS_MAX = 1_024

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_CHARACTERS = len("2027-01-31")


def read_query(query: bytes, names: Sequence[str]) -> dict[str, str]:
    """The values by name, decoded, without those that are empty. Raises InvalidValue."""
    try:
        pairs = parse_qsl(
            query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX, separator="&"
        )
    except ValueError:
        raise InvalidValue("The query of the address cannot be read.") from None
    values: dict[str, str] = {}
    for name, value in pairs:
        shown = name[:64]
        if name not in names:
            known = ", ".join(names) or "none"
            raise InvalidValue(f"`{shown}` is not a parameter of this address. It takes: {known}.", param=shown)
        if name in values:
            raise InvalidValue(f"`{shown}` stands twice in the address.", param=shown)
        if len(value) > VALUE_CHARACTERS_MAX or not value.isprintable():
            raise InvalidValue(f"`{shown}` is too long, or holds characters that cannot be.", param=shown)
        values[name] = value
    return {name: value for name, value in values.items() if value}


def need(values: Mapping[str, str], name: str) -> str:
    """A value that must be there. Raises InvalidValue."""
    if name not in values:
        raise InvalidValue(f"`{name}` is missing in the address.", param=name)
    return values[name]


def read_whole(values: Mapping[str, str], name: str, *, low: int, high: int, otherwise: int) -> int:
    """A whole number within bounds. Raises InvalidValue."""
    text = values.get(name)
    if text is None:
        return otherwise
    if not text.isascii() or not text.isdigit() or len(text) > 18 or not low <= int(text) <= high:
        raise InvalidValue(f"`{name}` must be a whole number from {low} to {high}.", param=name)
    return int(text)


def read_moment(text: str, name: str, *, end_of_day: bool = False) -> int:
    """Nanoseconds since 1970 UTC of ``2027-01-31`` or an RFC 3339 time. A day alone is its beginning, or its end.

    Raises InvalidValue, also for a time without its zone and one that cannot be counted.
    """
    try:
        moment = datetime.fromisoformat(text)
        if len(text) == _DAY_CHARACTERS:
            moment = moment.replace(tzinfo=UTC) + timedelta(days=int(end_of_day))
        moment_ns = (moment - _EPOCH) // timedelta(microseconds=1) * 1_000
    except (ValueError, TypeError, OverflowError):
        moment_ns = -1
    if not 0 <= moment_ns < 2**63:
        raise InvalidValue(
            f"`{name}` must be a day such as 2027-01-31, or a time such as 2027-01-31T12:00:00Z.", param=name
        )
    return moment_ns
