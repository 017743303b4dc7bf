"""Re-add the ledger and name what does not add up.

What is examined and by which rules is known to `ledger`, this file prints it.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import typer
from msgspec import structs

from tallygate.cli import FAILED
from tallygate.cli.terminal.counting import count
from tallygate.cli.terminal.options import AsJson, ConfigFile, DataFolder
from tallygate.cli.terminal.session import open_database
from tallygate.cli.terminal.table import print_json, print_table
from tallygate.ledger.audit import Audit, Counts
from tallygate.ledger.finding import Finding
from tallygate.ledger.money import print_usd
from tallygate.store.ledger import open_ledger

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def ledger() -> None:
    """Re-add the ledger and name what does not add up."""


@app.command()
def audit(config: ConfigFile = None, data: DataFolder = None, as_json: AsJson = False) -> None:
    """Re-add the whole ledger and compare every figure with it.

    It sees one moment and disturbs no gateway. Exits with 1 and a line for each figure that is wrong.
    """
    findings: list[Finding] = []
    with open_database(config, data, untouched=True) as (database, _), open_ledger(database) as book:
        reading = Audit(book)
        for finding in reading.run():
            findings.append(finding)
            if not as_json:
                typer.echo(finding)
    if as_json:
        print_json(_to_json(reading, findings))
    else:
        if findings:
            typer.echo("")
        _print_sums(reading)
        typer.echo(f"\n{_conclude(reading.counts, len(findings))}")
    if findings:
        raise typer.Exit(FAILED)


def _print_sums(reading: Audit) -> None:
    """All accounts, those of a kind together. Both columns add up to zero, or something was printed before."""
    final, pending = _group(reading.final_nusd), _group(reading.pending_nusd)
    rows = [(kind, print_usd(final[kind]), print_usd(pending[kind])) for kind in sorted({*final, *pending})]
    sums = (sum(final.values()), sum(pending.values()))
    print_table(["accounts", "final (USD)", "pending (USD)"], [*rows, ("sum", *map(print_usd, sums))])


def _group(sums_nusd: Mapping[str, int]) -> Counter[str]:
    grouped: Counter[str] = Counter()
    for account, sum_nusd in sums_nusd.items():
        grouped[account.partition(":")[0]] += sum_nusd
    return grouped


def _conclude(counts: Counts, findings: int) -> str:
    calls = f"{count(counts.holds, 'call')} ({counts.open_holds} open)"
    read = f"{count(counts.transfers, 'transfer')}, {calls} and {count(counts.wallets, 'wallet')}: "
    if findings:
        return f"{read}{count(findings, 'figure')} wrong."
    return f"{read}everything adds up."


def _to_json(reading: Audit, findings: list[Finding]) -> dict[str, Any]:
    accounts = sorted({*reading.final_nusd, *reading.pending_nusd})
    return {
        "clean": not findings,
        "findings": [structs.asdict(finding) for finding in findings],
        "read": structs.asdict(reading.counts),
        "accounts": [
            {
                "account": account,
                "final_usd": print_usd(reading.final_nusd[account]),
                "pending_usd": print_usd(reading.pending_nusd[account]),
            }
            for account in accounts
        ],
    }
