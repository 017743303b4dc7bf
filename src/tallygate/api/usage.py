"""``GET /v1/usage``: sums of paid calls by day, model, key and user, as JSON or CSV, page by page.

A cursor says where to go on and what was asked for. It widens nothing: whose calls are summed follows from the key that
asks now, and a cursor that was made for another is refused.
"""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from tallygate.access.principal import Principal
from tallygate.api.account import Accounts, find_scope
from tallygate.api.door import Reply, Request, envelope_reply, header
from tallygate.api.query import read_moment, read_query, read_whole
from tallygate.api.shown import show_amount, show_day, show_moment
from tallygate.api.table import write_table
from tallygate.errors import InvalidValue
from tallygate.ledger.windows import DAY_NS
from tallygate.store.usage import GROUPS, Group, Scope, Span, Sum, sum_calls

NAMES: Final = ("from", "to", "group_by", "format", "limit", "cursor")
DAYS_DEFAULT: Final = 30
DAYS_MAX: Final = 366
ROWS_DEFAULT: Final = 100
ROWS_MAX: Final = 1_000
ROWS_MAX_CSV: Final = 10_000

# Which member of a sum each group is known by.
_FIELDS: Final[Mapping[Group, str]] = {"day": "day", "model": "model", "key": "key_id", "user": "user_id"}
_COLUMNS: Final[Mapping[Group, tuple[str, ...]]] = {
    "day": ("day",),
    "model": ("model",),
    "key": ("key_id", "key_name", "key_last4"),
    "user": ("user_id", "user_name"),
}
_FIGURES: Final = ("calls", "input_tokens", "output_tokens", "charged_usd", "refunded_usd")


class Cursor(Struct, frozen=True, array_like=True):
    """The question a page belongs to, who asked it, and the last row of the page."""

    scope: str
    span: Span
    groups: tuple[Group, ...]
    after: tuple[int | str, ...]


class Wish(Struct, frozen=True):
    """What is to be summed, and the page of it."""

    span: Span
    groups: tuple[Group, ...]
    after: tuple[int | str, ...]
    rows_max: int
    as_csv: bool


_CURSOR = msgspec.json.Decoder(Cursor)


async def show_usage(accounts: Accounts, request: Request, principal: Principal) -> Reply:
    """The sums, with `meta.next_cursor` and a `link` header while there are more. Raises InvalidValue."""
    scope = find_scope(principal)
    wish = read_wish(request, scope, accounts.clock_ns())
    found = await accounts.enquirer.ask(
        lambda connection: sum_calls(
            connection, scope, wish.span, wish.groups, after=wish.after, rows_max=wish.rows_max + 1
        )
    )
    rows, more = found[: wish.rows_max], len(found) > wish.rows_max
    cursor = _write_cursor(scope, wish, rows[-1]) if more else None
    links = () if cursor is None else (("link", _write_link(wish, cursor)),)
    shown = [_show(row, wish.groups) for row in rows]
    if wish.as_csv:
        columns = [column for group in wish.groups for column in _COLUMNS[group]] + list(_FIGURES)
        body = write_table(columns, shown)
        return Reply(200, body, (("cache-control", "no-store"), *links), "text/csv; charset=utf-8")
    meta = {
        "from": show_moment(wish.span.from_ns),
        "to": show_moment(wish.span.to_ns),
        "group_by": wish.groups,
        "scope": "workspace" if scope.user_id is None else "user",
        "has_more": more,
        "next_cursor": cursor,
    }
    reply = envelope_reply(shown, request, meta)
    return msgspec.structs.replace(reply, headers=(*reply.headers, *links))


def read_wish(request: Request, scope: Scope, now_ns: int) -> Wish:
    """What the address asks for. A cursor brings its own span and groups, which may be said again but not changed.

    Raises InvalidValue.
    """
    values = read_query(request.query, NAMES)
    as_csv = _read_format(values.get("format"), header(request.headers, b"accept") or b"")
    rows_max = ROWS_MAX_CSV if as_csv else ROWS_MAX
    limit = read_whole(values, "limit", low=1, high=rows_max, otherwise=ROWS_MAX_CSV if as_csv else ROWS_DEFAULT)
    if "cursor" in values:
        cursor = _read_cursor(values["cursor"], scope)
        if ("group_by" in values and _read_groups(values["group_by"]) != cursor.groups) or (
            {"from", "to"} & values.keys() and _read_span(values, cursor.span.to_ns - 1) != cursor.span
        ):
            raise InvalidValue("`cursor` belongs to other parameters than those beside it.", param="cursor")
        return Wish(cursor.span, cursor.groups, cursor.after, limit, as_csv)
    return Wish(_read_span(values, now_ns), _read_groups(values.get("group_by", "day")), (), limit, as_csv)


def _read_format(text: str | None, accept: bytes) -> bool:
    """Whether the table is wanted. What the address says counts before what `Accept` says."""
    if text is None:
        return accept.split(b",")[0].split(b";")[0].strip().lower() == b"text/csv"
    if text not in ("json", "csv"):
        raise InvalidValue("`format` must be json or csv.", param="format")
    return text == "csv"


def _read_groups(text: str) -> tuple[Group, ...]:
    named = text.split(",")
    if unknown := sorted(set(named) - set(GROUPS)):
        raise InvalidValue(
            f"`group_by` takes {', '.join(GROUPS)}, joined by commas; not {unknown[0][:40]!r}.", param="group_by"
        )
    return tuple(group for group in GROUPS if group in named)


def _read_span(values: Mapping[str, str], now_ns: int) -> Span:
    """From the first moment up to, but not at, the last; a day that is named as the last counts in full."""
    today_ns = now_ns // DAY_NS * DAY_NS
    to_ns = read_moment(values["to"], "to", end_of_day=True) if "to" in values else today_ns + DAY_NS
    from_ns = read_moment(values["from"], "from") if "from" in values else max(0, to_ns - DAYS_DEFAULT * DAY_NS)
    if from_ns >= to_ns:
        raise InvalidValue("`from` must be before `to`.", param="from")
    if to_ns - from_ns > DAYS_MAX * DAY_NS:
        raise InvalidValue(f"From `from` to `to` are at most {DAYS_MAX} days.", param="from")
    return Span(from_ns, to_ns)


def _write_cursor(scope: Scope, wish: Wish, last: Sum) -> str:
    after = tuple(cast("int | str", getattr(last, _FIELDS[group])) for group in wish.groups)
    text = msgspec.json.encode(Cursor(_name_scope(scope), wish.span, wish.groups, after))
    return urlsafe_b64encode(text).decode().rstrip("=")


def _read_cursor(text: str, scope: Scope) -> Cursor:
    try:
        cursor = _CURSOR.decode(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:  # msgspec's and binascii's errors are of this class
        cursor = None
    if cursor is None or cursor.scope != _name_scope(scope) or not _is_sound(cursor):
        raise InvalidValue("`cursor` is none that this address gave to this key.", param="cursor")
    return cursor


def _is_sound(cursor: Cursor) -> bool:
    """Whether somebody could have been given it: a page is asked for in no other shape."""
    kinds = [int if group == "day" else str for group in cursor.groups]
    ordered = tuple(group for group in GROUPS if group in cursor.groups) == cursor.groups
    in_bounds = 0 <= cursor.span.from_ns < cursor.span.to_ns <= cursor.span.from_ns + DAYS_MAX * DAY_NS < 2**63
    days = (value for value in cursor.after if isinstance(value, int))
    return (bool(kinds) and ordered and in_bounds and [type(value) for value in cursor.after] == kinds) and all(
        0 <= day < 2**31 for day in days
    )


def _name_scope(scope: Scope) -> str:
    """Whose figures a cursor is for, without saying so."""
    return hashlib.sha256(f"{scope.workspace_id}/{scope.user_id or ''}".encode()).hexdigest()[:16]


def _write_link(wish: Wish, cursor: str) -> str:
    """Where the next page is (RFC 8288)."""
    query = urlencode({"cursor": cursor, "limit": wish.rows_max, "format": "csv" if wish.as_csv else "json"})
    return f'</v1/usage?{query}>; rel="next"'


def _show(row: Sum, groups: Sequence[Group]) -> dict[str, Any]:
    shown: dict[str, Any] = {column: getattr(row, column) for group in groups for column in _COLUMNS[group]}
    if row.day is not None:
        shown["day"] = show_day(row.day)
    shown |= {"calls": row.calls, "input_tokens": row.input_tokens, "output_tokens": row.output_tokens}
    return {**shown, **show_amount("charged", row.charged_nusd), **show_amount("refunded", row.refunded_nusd)}
