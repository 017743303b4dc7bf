"""What the contract tests find each client able to do: recorded while they run, kept in `results/`, one file a client.

A test says `with tried(client, version, upstream, feature):` around what it tries; the row counts once the block has
ended well. `COMPATIBILITY=1` in the environment has a session that ends green write the files of the clients it tried.
The page that shows them is `compatibility_page`'s work.
"""

import json
import os
import re
from collections.abc import Generator, Iterable, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple

RESULTS = Path(__file__).parent / "results"
UPSTREAMS = ("openai_chat", "anthropic_messages")
"""The dialects of the providers behind the gateway."""

FEATURES = {
    "answer": "a whole answer",
    "stream": "a streamed answer",
    "tools": "the model asks for a tool, the client runs it, the model tells what came of it; whole and streamed",
    "structure": "an answer of a shape that the caller gives",
    "thinking": "what the model thought, apart from its answer",
    "embeddings": "texts turned into vectors",
    "models": "the list of models",
    "task": "a task of several turns with tools of the client's own",
    "usage": "the tokens of an answer, as the client tells them",
    "401": "a wrong key, told by the client's own class of error for it",
    "402": "no balance left, told by the client's own class of error for it",
    "money": "every answered call is charged once and has its receipt; nothing stays held",
}
"""What is tried, in the order of the page's columns."""


class Row(NamedTuple):
    """One thing tried once. `why` says what happens instead where it does not work; there is no why where it does."""

    client: str
    version: str
    upstream: str
    feature: str
    why: str = ""


_tried: list[Row] = []


@contextmanager
def tried(client: str, version: str, upstream: str, feature: str, *, instead: str = "") -> Generator[None]:
    """Record that a client can do something, once the block has ended well.

    `client` is what its users call it ("openai (Python)"), `version` what it says of itself, `upstream` one of
    `UPSTREAMS`, `feature` one of `FEATURES`; several tests may try the same. Where a thing cannot work, the block
    proves what happens instead, and `instead` says so in a few words for the page. Raises AssertionError on a name
    that is not known.
    """
    assert upstream in UPSTREAMS, upstream
    assert feature in FEATURES, feature
    assert version, f"{client} does not say which version it is"
    yield
    _tried.append(Row(client, version, upstream, feature, instead))


def tried_if_told(
    table: Mapping[str, tuple[str, str]], version: str, server: str, scenario: str
) -> AbstractContextManager[None]:
    """`tried` for a scenario of a repertoire: `table` says whose it is and what it tries, if it is on the page at all.

    `server` is `gateway` where the provider speaks the client's language, `crossed` where it speaks the other one.
    """
    client, feature = table.get(scenario, ("", ""))
    if not client or server not in {"gateway", "crossed"}:
        return nullcontext()
    own = "anthropic_messages" if client.startswith("anthropic") else "openai_chat"
    other = next(dialect for dialect in UPSTREAMS if dialect != own)
    return tried(client, version, own if server == "gateway" else other, feature)


def write_tried(status: int) -> None:
    """At the end of a session: keep what was tried, if that is asked for and the session was green."""
    if os.environ.get("COMPATIBILITY") == "1" and status == 0:
        write_results(_tried, RESULTS)


def write_results(rows: Iterable[Row], folder: Path) -> None:
    """One file for each client among the rows; the files of other clients stay."""
    folder.mkdir(exist_ok=True)
    by_client: dict[str, list[Row]] = {}
    for row in sorted(set(rows)):
        by_client.setdefault(row.client, []).append(row)
    for client, own in by_client.items():
        lines = ",\n".join(f"  {json.dumps(row._asdict(), ensure_ascii=False)}" for row in own)
        name = re.sub(r"[^a-z0-9]+", "-", client.lower()).strip("-")
        (folder / f"{name}.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def read_results(folder: Path) -> list[Row]:
    """Every row of every client."""
    files = sorted(folder.glob("*.json"))
    return sorted(Row(**row) for file in files for row in json.loads(file.read_text(encoding="utf-8")))
