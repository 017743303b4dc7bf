"""What came of bundles, for a person and for a script. What is checked and by which rules is known to `receipts`.

A bundle comes from a stranger: whatever of it is printed is escaped, so that no terminal obeys it.
"""

from typing import Any, Final

import typer
from msgspec import Struct, structs

from tallygate.cli.terminal.moment import show_moment
from tallygate.ledger.money import print_usd
from tallygate.receipts.receipt import Receipt
from tallygate.receipts.verify import FAILED, NOT_ENOUGH, VERIFIED, Check, State, Verdict

RESULTS: Final = {VERIFIED: "verified", FAILED: "failed", NOT_ENOUGH: "not enough"}

_STATES: Final[dict[State, tuple[str, str | None]]] = {
    "passed": ("ok", "green"),
    "failed": ("FAILED", "red"),
    "missing": ("missing", "yellow"),
    "unreached": ("not reached", None),
}
_NS_PER_MS: Final = 1_000_000


class Judged(Struct, frozen=True):
    """A bundle by the name of its file, and its verdict."""

    name: str
    verdict: Verdict


def print_verdict(judged: Judged, *, brief: bool) -> None:
    """The checks under the file's name. `brief`: those of a verified bundle are left out."""
    verdict = judged.verdict
    typer.echo(f"{escape(judged.name)}: {RESULTS[verdict.exit_code]}")
    if brief and verdict.exit_code == VERIFIED:
        return
    name_size = max(len(check.name) for check in verdict.checks)
    state_size = max(len(_STATES[check.state][0]) for check in verdict.checks)
    for check in verdict.checks:
        word, colour = _STATES[check.state]
        state = typer.style(f"{word:<{state_size}}", fg=colour, bold=check.state == "failed" or None)
        typer.echo(f"  {check.name:<{name_size}}  {state}  {escape(check.note)}")
    if verdict.exit_code == VERIFIED and isinstance(verdict.entry, Receipt):
        typer.echo(f"\n{_describe(verdict.entry)}")


def conclude(counts: dict[int, int]) -> str:
    """How many bundles there were of each result, by exit code."""
    return ", ".join(f"{counts.get(code, 0)} {words}" for code, words in RESULTS.items()) + "."


def to_json(judged: Judged) -> dict[str, Any]:
    """One bundle for a script. What the bundle says is there only if it is verified."""
    verdict = judged.verdict
    told: dict[str, Any] = {"file": judged.name, "result": RESULTS[verdict.exit_code], "checks": list(verdict.checks)}
    if verdict.exit_code == VERIFIED and verdict.entry is not None and verdict.checkpoint is not None:
        told |= {"type": verdict.entry.type, "issuer": verdict.entry.issuer, "log": verdict.entry.log}
        told |= {"issued_ms": verdict.entry.issued_ms}
        told |= {"index": verdict.index, "tree_size": verdict.checkpoint.size}
        if isinstance(verdict.entry, Receipt):
            told |= {"id": verdict.entry.id, "subject": structs.asdict(verdict.entry.subject)}
    return told


def missing_file(name: str, why: str) -> Judged:
    """What is said of a file that could not be read."""
    return Judged(name, Verdict((Check("file", "missing", f"it cannot be read: {why}"),)))


def escape(text: str) -> str:
    """The text with every character that a terminal might obey spelt out."""
    return text if text.isprintable() else "".join(map(_escape, text))


def _escape(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()


def _describe(receipt: Receipt) -> str:
    """The receipt in two lines, as it was signed. Its text is a stranger's, and so are its numbers' sizes."""
    usage, charge = receipt.usage, receipt.charge
    served = f", served by {receipt.route.provider} as {receipt.route.model}" if receipt.route else ""
    paid, reserved = print_usd(int(charge.amount)), print_usd(int(charge.reserved))
    whose = f"Receipt {receipt.subject.seq} of {receipt.subject.ref}, from {receipt.issuer}: {receipt.id}"
    what = f"{_show_moment(receipt.issued_ms)}: {receipt.request.model}{served}; {receipt.response.status}"
    tokens = f"{usage.input} tokens in, {usage.output} out"
    lines = (whose, f"{what}; {tokens}; {paid} USD paid of {reserved} reserved")
    return "\n".join(map(escape, lines))


def _show_moment(moment_ms: int) -> str:
    """A moment as a signed statement has it; one that no calendar has is shown as the number it is."""
    try:
        return show_moment(moment_ms * _NS_PER_MS)
    except OverflowError:
        return f"{moment_ms} ms"
