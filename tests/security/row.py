"""What a row of the checklist is: bad inputs byte by byte, what each may be answered, and where it is proved otherwise.

No row stands here, and nothing is sent. Words in angle brackets, such as `<MINE>`, are filled in by the town in which a
row is tried (`town.py`).
"""

import json
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from tests.security.town import Town

CHAT = "/v1/chat/completions"
MESSAGES = "/v1/messages"
JSON = ("Content-Type", "application/json")
GOOD: dict[str, Any] = {"model": "plain", "messages": [{"role": "user", "content": "hello"}]}

Pairs = Iterable[tuple[str, str | bytes]]
Play = Callable[[Town], None]

Later = Literal["batches", "uploads", "presigned media", "payments per call", "webhooks", "top-up events"]
"""What is not built yet. The doors that it would have are in `test_table.py`: once one is there, its rows are due."""

Leaves = Literal["nothing", "a void", "a call"]

NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Ask(NamedTuple):
    """One request, as it goes over the wire, and the answers that are right.

    `codes`: the error's code, one of them; none: it is not looked at. `closes`: whether the connection ends with the
    answer; None where both will do. `leaves`: what it may leave in the database. A void is a call that was held for and
    given up before anything was sent: it costs nothing, holds nothing and has no receipt.
    """

    raw: bytes
    statuses: tuple[int, ...]
    codes: tuple[str, ...] = ()
    headers: Mapping[str, str] = NO_HEADERS
    closes: bool | None = None
    leaves: Leaves = "nothing"


class Row(NamedTuple):
    """One line of the checklist.

    `asks` are tried one after another; `plays` are what takes more than one request; `proofs` are tests elsewhere, by
    their node ids. `later`: what has to be built first, for the whole row or for what is left of it. `otherwise`:
    where our answer is another one than the checklist's on purpose, the page that says so and why.
    """

    number: int
    title: str
    asks: tuple[Ask, ...] = ()
    plays: tuple[Play, ...] = ()
    proofs: tuple[str, ...] = ()
    later: Later | None = None
    otherwise: str = ""

    def __str__(self) -> str:
        return f"{self.number}-{self.title}"


def ask(
    method: str,
    target: str | bytes,
    *statuses: int,
    body: Any = None,
    headers: Pairs = (),
    key: str = "<MINE>",
    codes: tuple[str, ...] = (),
    shows: Mapping[str, str] = NO_HEADERS,
    leaves: Leaves = "nothing",
) -> Ask:
    """A request that is framed well, whatever it says. `body`: bytes as they are, or a value to be written as JSON;
    `key`: the bearer's, empty for none; `shows`: headers of the answer.
    """
    lines: list[tuple[str, str | bytes]] = [("Host", "localhost"), *headers]
    if key:
        lines.append(("Authorization", f"Bearer {key}"))
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    if body is not None:
        given = {name.lower() for name, _ in lines}
        if "content-type" not in given:
            lines.append(JSON)
        if not given & {"content-length", "transfer-encoding"}:
            lines.append(("Content-Length", "<LENGTH>"))
    head = method.encode() + b" " + as_bytes(target) + b" HTTP/1.1\r\n"
    head += b"".join(name.encode() + b": " + as_bytes(value) + b"\r\n" for name, value in lines)
    return Ask(head + b"\r\n" + data, statuses, codes, shows, leaves=leaves)


def chat(*statuses: int, **more: Any) -> Ask:
    """A chat completion; without `body` a good one."""
    more.setdefault("body", GOOD)
    return ask("POST", CHAT, *statuses, **more)


def with_field(name: str, raw: bytes, *statuses: int, codes: tuple[str, ...] = (), **more: Any) -> Ask:
    """A good chat with one more or another field, its value as raw JSON."""
    kept = {key: value for key, value in GOOD.items() if key != name}
    body = json.dumps(kept).encode()[:-1] + b', "' + name.encode() + b'": ' + raw + b"}"
    return chat(*statuses, body=body, codes=codes, **more)


def as_bytes(text: str | bytes) -> bytes:
    """Text on the wire: one byte a character."""
    return text if isinstance(text, bytes) else text.encode("latin-1")
