"""Callers who press against a limit of requests or tokens on lines to every worker at once, and what the database says
afterwards of when it let them in.

The judge counts with the moments that the database recorded, and with nothing that a test slept.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from tests.campaign.book import Row, reading
from tests.campaign.plan import Plan, write_request
from tests.campaign.revoking import Lines, send
from tests.faults.caller import Line, Torn

MINUTE_NS = 60 * 10**9
SLACK_S = 0.05
TOO_FAST = b"rate_limit_exceeded"


class Pressed(NamedTuple):
    """One answer: when its request began to leave, in nanoseconds UTC, its worker, and its status."""

    left_ns: int
    worker: int
    status: int


async def press(lines: Lines, keys: Sequence[str], plan: Plan, for_s: float) -> list[Pressed]:
    """Ask on every line, again and again, with one key after the other; refusals for another reason are an error."""
    path, body = write_request(plan)
    until_s = time.monotonic() + for_s
    told: list[Pressed] = []

    async def ask_on(number: int, worker: int, line: Line) -> None:
        while time.monotonic() < until_s:
            left_ns = time.time_ns()
            _, status, answer = await send(line, "POST", path, keys[number % len(keys)], body)
            assert status == 200 or (status == 429 and TOO_FAST in answer), answer
            told.append(Pressed(left_ns, worker, status))
            number += 1

    await asyncio.gather(*(ask_on(number, *one) for number, one in enumerate(lines.by_worker)))
    return told


async def hold_open(lines: Lines, key: str, plan: Plan) -> list[int]:
    """Begin one stream on every line and leave it once all have been answered; the statuses."""
    path, body = write_request(plan)
    head = f"POST {path} HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {key}\r\n"
    head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"

    async def begin(line: Line) -> int:
        line[1].write(head.encode() + body)
        with suppress(Torn):
            return int((await line[0].readline()).split()[1])
        return 0

    return await asyncio.gather(*(begin(line) for _, line in lines.by_worker))


def read_holds(url: str, key_ids: Sequence[str]) -> list[Row]:
    """The holds of these keys, in the order in which they were opened."""
    with reading(url) as ask:
        rows = ask("SELECT * FROM holds ORDER BY opened_at_ns, id")
    return [row for row in rows if row["key_id"] in key_ids]


def read_rate(url: str, owner_id: str, kind: str) -> Row:
    """One bucket."""
    with reading(url) as ask:
        (row,) = [row for row in ask("SELECT * FROM rates") if (row["owner_id"], row["kind"]) == (owner_id, kind)]
    return row


def judge_requests(holds: Sequence[Row], pressed: Sequence[Pressed], per_minute: int) -> list[str]:
    """What is wrong with who was let in, where everybody pressed all the time. A full bucket lets in what leaks out of
    it: never more than that from the first moment to the last, and never less, or the last who was refused was wronged.
    """
    admitted, first_ns, last_ns = len(holds), holds[0]["opened_at_ns"], holds[-1]["opened_at_ns"]
    wrong: list[str] = []
    served = sum(one.status == 200 for one in pressed)
    if served != admitted:
        wrong.append(f"{served} were served and {admitted} let in")
    most = per_minute + per_minute * (last_ns - first_ns) / MINUTE_NS
    if admitted > most:
        wrong.append(f"{admitted} were let in, {most:.3f} at most")
    refused_ns = max((one.left_ns for one in pressed if one.status == 429), default=0)
    least = per_minute - 1 + per_minute * (refused_ns - first_ns) / MINUTE_NS
    if not refused_ns:
        wrong.append("nobody was refused, so nothing was tried")
    elif admitted < least:
        wrong.append(f"{admitted} were let in, {least:.3f} at least")
    return wrong


def judge_tokens(holds: Sequence[Row], rate: Row) -> list[str]:
    """What is wrong with a bucket of tokens whose calls have all ended: it has what they used, less what has leaked."""
    wrong = [f"{hold['id']} is {hold['state']}" for hold in holds if hold["state"] != "posted"]
    filled, seen_ns = 0.0, 0
    for hold in sorted(holds, key=lambda hold: hold["ended_at_ns"]):
        filled = max(0.0, filled - rate["per_minute"] * (hold["ended_at_ns"] - seen_ns) / MINUTE_NS)
        filled, seen_ns = filled + hold["input_tokens"] + hold["output_tokens"], hold["ended_at_ns"]
    filled = max(0.0, filled - rate["per_minute"] * (rate["seen_at_ns"] - seen_ns) / MINUTE_NS)
    if rate["held_tokens"]:
        wrong.append(f"{rate['held_tokens']} tokens are still held")
    # A call that ends may carry a moment a little before that of one whose end was written earlier.
    slack = rate["per_minute"] * SLACK_S / 60 + 1
    if abs(rate["filled_micro"] / 1e6 - filled) > slack:
        wrong.append(f"the bucket has {rate['filled_micro'] / 1e6:.3f} tokens and should have {filled:.3f}")
    return wrong


class Limited(NamedTuple):
    """Keys that share one limit, and whose it is."""

    keys: list[str]
    key_ids: list[str]
    owner_id: str


async def settle_limited(lines: Lines, admin: str, level: str, name: str, **limits: Any) -> Limited:
    """A workspace with two users of two keys each, as many of them as share a limit of this level."""

    async def administer(method: str, path: str, body: Any) -> Any:
        told = await lines.administer(admin, method, path, body)
        assert told.status in (200, 201), told
        return told.data

    workspace = await administer("POST", "workspaces", {"name": name})
    await administer("POST", "credit", {"workspace": name, "usd": "1000", "id": f"first-{name}"})
    users = [await administer("POST", "users", {"workspace": name, "name": user}) for user in ("una", "duo")]
    for user in users:
        many = {"level": "user", "owner": user["id"], "workspace": name, "concurrency": 1_000}
        await administer("PATCH", "limits", many)
    chosen = {"key": ["una"], "user": ["una", "una"], "workspace": ["una", "duo", "una", "duo"]}[level]
    keys = [await administer("POST", "keys", {"workspace": name, "user": user}) for user in chosen]
    owner_id = {"key": keys[0]["id"], "user": users[0]["id"], "workspace": workspace["id"]}[level]
    place = {"workspace": name} if level == "user" else {}
    await administer("PATCH", "limits", {"level": level, "owner": owner_id, **place, **limits})
    return Limited([key["key"] for key in keys], [key["id"] for key in keys], owner_id)
