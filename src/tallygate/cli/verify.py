"""Check all that is stored: ledger, receipts and the log.

One run that only reads. What is examined, and by which rules, is known to `ledger` and `receipts`; this file asks them
one after the other and prints what they find.
"""

from collections.abc import Callable, Iterable
from itertools import chain

import typer
from msgspec import structs

from tallygate.cli import FAILED
from tallygate.cli.terminal.counting import count
from tallygate.cli.terminal.options import AsJson, ConfigFile, DataFolder
from tallygate.cli.terminal.reading import UNTRUSTED, Keys, locate_database, open_reading, read_trusted
from tallygate.cli.terminal.table import print_json
from tallygate.ledger import audit as ledger_audit
from tallygate.ledger.finding import Finding
from tallygate.receipts import book_audit, log_audit
from tallygate.receipts.flaw import Flaw
from tallygate.store.database import Database
from tallygate.store.ledger import open_ledger

app = typer.Typer(add_completion=False)


class Report:
    """What was found so far. In words it is printed at once, as JSON at the end."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self.findings: list[dict[str, str]] = []
        self.wrong = 0

    def take(self, part: str, findings: Iterable[Finding | Flaw], describe: Callable[[], str]) -> None:
        """One part of the run: all its findings, and what was read, which is known when they are."""
        before = self.wrong
        self._say(part)
        for finding in findings:
            self.wrong += 1
            self._say(f"  {finding}")
            if self._as_json:
                place, _, what = str(finding).partition(": ")
                self.findings.append({"part": part, "place": place, "what": what})
        wrong = self.wrong - before
        self._say(f"  {describe()}: {f'{wrong} wrong' if wrong else 'sound'}")

    def _say(self, line: str) -> None:
        if not self._as_json:
            typer.echo(line)


@app.command()
def verify(config: ConfigFile = None, data: DataFolder = None, keys: Keys = None, as_json: AsJson = False) -> None:
    """Check all that is stored: ledger, receipts and the log.

    It only reads, and may run while gateways serve. Exits with 1 and a line for each thing that is wrong.
    """
    address, settings = locate_database(config, data)
    trusted = read_trusted(settings.data, keys)
    report = Report(as_json=as_json)
    with Database(address) as database, open_ledger(database) as book:
        ledger = ledger_audit.Audit(book)
        report.take("ledger", ledger.run(), lambda: describe_ledger(ledger.counts))
        receipts = book_audit.BookAudit(book)
        report.take("receipts", receipts.run(), lambda: describe_receipts(receipts.counts))
    with open_reading(address) as connection:
        log = log_audit.LogAudit(connection, trusted.keys, trusted.mark)
        report.take("log", chain(trusted.flaws, log.run()), lambda: describe_logs(log.logs))
    if as_json:
        read = {
            "ledger": structs.asdict(ledger.counts),
            "receipts": structs.asdict(receipts.counts),
            "logs": [structs.asdict(one) for one in log.logs],
        }
        print_json({"clean": not report.wrong, "findings": report.findings, "read": read})
    else:
        typer.echo(f"\n{count(report.wrong, 'finding')}." if report.wrong else "\nEverything holds.")
    if trusted.keys is None:
        typer.echo(UNTRUSTED, err=True)
    if report.wrong:
        raise typer.Exit(FAILED)


def describe_ledger(counts: ledger_audit.Counts) -> str:
    """How much of the ledger was read."""
    calls = f"{count(counts.holds, 'call')} ({counts.open_holds} open)"
    return f"{count(counts.transfers, 'transfer')}, {calls} and {count(counts.wallets, 'wallet')}"


def describe_receipts(counts: book_audit.Counts) -> str:
    """How many receipts were held to how many charges."""
    notes = [f"{count(counts.receipts, 'receipt')} of {count(counts.charged, 'charged call')}"]
    if counts.earlier:
        notes.append(f"{counts.earlier} from before there were receipts")
    if counts.erased:
        notes.append(f"{counts.erased} erased")
    notes.append(f"{count(counts.prices, 'price')} on record")
    if counts.unrecorded:
        notes.append(f"{counts.unrecorded} named that nobody set and nobody recorded")
    return ", ".join(notes)


def describe_logs(logs: Iterable[log_audit.LogCounts]) -> str:
    """How much of each log was read."""
    return "; ".join(map(_describe_log, logs)) or "there is no log yet"


def _describe_log(counts: log_audit.LogCounts) -> str:
    entries = "1 entry" if counts.size == 1 else f"{counts.size} entries"
    return f"{counts.origin}: {entries}, {counts.waiting} waiting, {count(counts.checkpoints, 'checkpoint')}"
