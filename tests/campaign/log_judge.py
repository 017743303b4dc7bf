"""The judge of receipts: holds them to the ledger, the log to itself, and every checkpoint ever seen to the log.

The promises are those of docs/reference/{receipts,receipt-doors}.md. Nothing of the gateway is imported here. P1: a
receipt for each charge and a charge for each receipt; P2: it says what the ledger says; P3: numbered without a gap;
P4: all have their place in time, and keep it; P5: no checkpoint is ever contradicted; P6: whoever was told an id has
its receipt.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from hashlib import sha256
from typing import Any

from tests.campaign.book import Book, Row
from tests.campaign.evidence import Evidence
from tests.campaign.judge import Violation
from tests.campaign.log_book import LogBook
from tests.campaign.tree import BadNote, find_roots, read_head

NS_PER_MS = 1_000_000
COMMITTED = ("request", "response", "forwarded")
LABELS = {"ok": "ok", "partial": "partial", "cancelled": "cancelled"}


def judge_receipts(book: Book, log: LogBook) -> list[Violation]:
    """What stands in the database at one moment when no call is open."""
    return [*_p1(book, log), *_p2(book, log), *_p3(book, log), *_p4(log)]


def judge_checkpoints(log: LogBook, seen: Collection[bytes], vkey: str) -> list[Violation]:
    """Checkpoints, wherever they were seen, against the entries that the log has come to have."""
    found: list[Violation] = []
    heads = []
    for note in {*seen, *log.checkpoints}:
        try:
            heads.append(read_head(note, vkey))
        except BadNote as error:
            found.append(Violation("P5", "checkpoint", str(error)))
    entries = [row["entry"] for row in _leaves(log)]
    roots = find_roots(entries, {head.size for head in heads})
    found += [
        Violation("P5", f"checkpoint {head.size}", f"signed for a tree that the log has not: {head}")
        for head in heads
        if head.root != roots.get(head.size)
    ]
    return found


def judge_growth(earlier: LogBook, later: LogBook) -> list[Violation]:
    """Between two readings a log only grows: no receipt changes or goes, and a leaf that was given stays."""
    found = [
        Violation("P4", name, f"was {row['body']!r}, is {later.receipts.get(name)}")
        for name, row in earlier.receipts.items()
        if later.receipts.get(name) != row
    ]
    now = {row["id"]: row for row in later.entries}
    for row in earlier.entries:
        after = now.get(row["id"])
        if after is None or (row["leaf_index"] is not None and after != row):
            found.append(Violation("P4", row["id"], f"had leaf {row['leaf_index']}, is {after}"))
    gone = set(earlier.checkpoints) - set(later.checkpoints)
    return found + [Violation("P5", "checkpoint", f"was published and is gone: {note!r}") for note in gone]


def judge_told(evidence: Evidence, log: LogBook) -> list[Violation]:
    """Every id that a client was ever told is that of a receipt."""
    return [
        Violation("P6", attempt.name, f"was told {attempt.receipt}, of which there is no receipt")
        for call in evidence.calls.values()
        for attempt in call.attempts
        if attempt.receipt and attempt.receipt not in log.receipts
    ]


def _p1(book: Book, log: LogBook) -> Iterator[Violation]:
    posted = {name for name, row in book.holds.items() if row["state"] == "posted"}
    entries = Counter(row["id"] for row in log.entries)
    for name in posted - log.receipts.keys():
        yield Violation("P1", name, f"charged without a receipt: {book.holds[name]}")
    for name in log.receipts.keys() - posted:
        yield Violation("P1", name, f"a receipt without a charge: {book.holds.get(name)}")
    for name in (log.receipts.keys() | log.statements) - entries.keys():
        yield Violation("P1", name, "no entry in the log")
    for name in entries.keys() - log.receipts.keys() - log.statements:
        yield Violation("P1", name, "an entry for nothing")
    for row in log.entries:
        body = log.receipts.get(row["id"], {}).get("body")
        if body is not None and sha256(body).digest() != row["entry"]:
            yield Violation("P1", row["id"], f"its entry {row['entry'].hex()} is not that of {body!r}")


def _p2(book: Book, log: LogBook) -> Iterator[Violation]:
    for name, row in log.receipts.items():
        hold = book.holds.get(name)
        if hold is None:
            continue
        said, known = _read_said(row), _read_known(hold, log)
        for member, value in known.items():
            if said[member] != value:
                yield Violation("P2", name, f"{member} is {said[member]!r}, and the ledger has {value!r}")
        if book.transfers.get(said["charge.transfer"], {}).get("kind") != "post":
            yield Violation("P2", name, f"no posting is called {said['charge.transfer']!r}")


def _read_said(row: Row) -> dict[str, Any]:
    receipt = json.loads(row["body"])
    parts = {"charge": ("amount", "reserved", "price", "transfer", "basis"), "response": ("status", "complete")}
    parts |= {"subject": ("seq",), "usage": ("input", "output"), "request": ("model",)}
    said = {f"{part}.{name}": receipt[part][name] for part, names in parts.items() for name in names}
    has_commits = {part: "commit" in receipt.get(part, {}) for part in COMMITTED}
    row_of = {"row.sequence": row["sequence"], "row.workspace_id": row["workspace_id"]}
    return {**said, **row_of, **{name: receipt[name] for name in ("id", "log", "issued_ms")}, "commits": has_commits}


def _read_known(hold: Row, log: LogBook) -> dict[str, object]:
    details = json.loads(hold["details"]) if hold["details"] else {}
    status = LABELS.get(details["status"], "failed") if details else "recovered"
    known: dict[str, object] = {
        "id": hold["id"],
        "log": log.log["origin"],
        "issued_ms": hold["ended_at_ns"] // NS_PER_MS,
        "subject.seq": hold["sequence"],
        "row.sequence": hold["sequence"],
        "row.workspace_id": hold["workspace_id"],
        "request.model": hold["model"],
        "response.status": status,
        "response.complete": status == "ok",
        "usage.input": hold["input_tokens"],
        "usage.output": hold["output_tokens"],
        "charge.amount": str(hold["charged_nusd"]),
        "charge.reserved": str(hold["amount_nusd"]),
        "charge.price": hold["price_version"],
        "charge.transfer": f"{hold['id']}/post",
    }
    if status == "recovered":
        return {**known, "charge.basis": "progress", "commits": dict.fromkeys(COMMITTED, False)}
    if status == "ok":
        known["commits"] = dict.fromkeys(COMMITTED, True)
    return {**known, "charge.basis": "usage"} if hold["charged_nusd"] else known


def _p3(book: Book, log: LogBook) -> Iterator[Violation]:
    numbers: dict[str, list[int]] = defaultdict(list)
    subjects: dict[str, set[str]] = defaultdict(set)
    for row in log.receipts.values():
        numbers[row["workspace_id"]].append(row["sequence"])
        subjects[row["workspace_id"]].add(json.loads(row["body"])["subject"]["ref"])
    for name, wallet in book.wallets.items():
        if sorted(numbers[name]) != list(range(1, wallet["next_sequence"])):
            shown = f"{len(numbers[name])} receipts, and the next number is {wallet['next_sequence']}"
            yield Violation("P3", name, shown)
    if any(len(refs) > 1 for refs in subjects.values()) or len(set().union(*subjects.values())) != len(subjects):
        yield Violation("P3", "subjects", f"accounts and pseudonyms do not fit: {dict(subjects)}")


def _p4(log: LogBook) -> Iterator[Violation]:
    for row in log.entries:
        if row["leaf_index"] is None:
            yield Violation("P4", row["id"], f"waits for its leaf still; the log is {log.log}")
    leaves = [row["leaf_index"] for row in _leaves(log)]
    if leaves != list(range(log.log["size"])):
        yield Violation("P4", "leaves", f"{len(leaves)}, not one each up to {log.log}")
    if log.log["size"] != log.log["checkpoint_size"]:
        yield Violation("P4", "log", f"no checkpoint covers all of it: {log.log}")


def _leaves(log: LogBook) -> list[Row]:
    return sorted((row for row in log.entries if row["leaf_index"] is not None), key=lambda row: row["leaf_index"])
