"""The limits of a workspace, a user or a key: the options that set them, and how they are shown. The rules are in
`access`.
"""

from typing import Annotated, Any

import typer

from tallygate.access.limits import PERIODS
from tallygate.cli.terminal.moment import show_moment, stamp
from tallygate.cli.terminal.table import print_table
from tallygate.genai.book import Budget
from tallygate.ledger.money import print_usd
from tallygate.ledger.rates import find_standings
from tallygate.ledger.windows import find_window_end_ns
from tallygate.store.limits import LimitsRow

Budgets = Annotated[
    list[str] | None,
    typer.Option(
        "--budget",
        metavar="USD/PERIOD",
        help='A budget as "10.00/monthly": daily, weekly, monthly or total. May be given more than once.',
    ),
]
NoBudgets = Annotated[
    list[str] | None,
    typer.Option("--no-budget", metavar="PERIOD", help="Remove a budget. May be given more than once."),
]
Concurrency = Annotated[
    str | None,
    typer.Option("--concurrency", metavar="N", help="Calls open at once; `default` for as many as everybody."),
]
Rpm = Annotated[
    str | None,
    typer.Option("--rpm", metavar="N", help="Requests in a minute; `none` for no limit."),
]
Tpm = Annotated[
    str | None,
    typer.Option("--tpm", metavar="N", help="Tokens in a minute, of input and output together; `none` for no limit."),
]
Shorten = Annotated[
    bool | None,
    typer.Option(
        "--shorten/--no-shorten",
        help="Whether, on a short balance, calls that named no output cap may get a smaller one.",
    ),
]


_RATE_NAMES = {"requests": "rpm", "tokens": "tpm"}


def print_limits(row: LimitsRow) -> None:
    """Whose limits they are, calls, requests and tokens, and a table of budgets."""
    name = f"{row.level} {row.name or row.id}"
    typer.echo(name if row.level == "workspace" else f"{name} of {row.workspace}")
    if row.slots_used is not None:
        most = "default" if row.slots_max is None else str(row.slots_max)
        whose = "open now, of all keys of the user" if row.level == "key" else "open now"
        typer.echo(f"  calls at once  {most} ({row.slots_used} {whose})")
    for rate in find_standings(row.rates):
        typer.echo(f"  {rate.kind:9}      {rate.limit} a minute ({rate.remaining} left)")
    if row.shortens is not None:
        typer.echo(f"  output caps    {'may' if row.shortens else 'may not'} be lowered on a short balance")
    if not row.budgets:
        typer.echo("  budgets        none")
        return
    typer.echo("")
    columns = ["budget", "limit (USD)", "spent", "held", "left", "until"]
    print_table(columns, [_show_budget(budget) for budget in _sort(row)])


def limits_to_json(row: LimitsRow) -> dict[str, Any]:
    """The same for a script."""
    return {
        "level": row.level,
        "id": row.id,
        "name": row.name,
        "workspace_id": row.workspace_id,
        "workspace": row.workspace,
        "concurrency": row.slots_max,
        "calls_open": row.slots_used,
        "shorten": row.shortens,
        "rpm": None,
        "tpm": None,
        **{_RATE_NAMES[rate.kind]: rate.per_minute for rate in row.rates},
        "budgets": [_budget_to_json(budget) for budget in _sort(row)],
    }


def _sort(row: LimitsRow) -> list[Budget]:
    """The shortest window first."""
    return sorted(row.budgets, key=lambda budget: PERIODS.index(budget.period))


def _show_budget(budget: Budget) -> tuple[str, ...]:
    return (
        budget.period,
        print_usd(budget.limit_nusd),
        print_usd(budget.spent_nusd),
        print_usd(budget.held_nusd),
        print_usd(_count_left(budget)),
        show_moment(find_window_end_ns(budget.period, budget.window_start_ns), "for ever"),
    )


def _budget_to_json(budget: Budget) -> dict[str, Any]:
    return {
        "id": budget.id,
        "period": budget.period,
        "limit_usd": print_usd(budget.limit_nusd),
        "spent_usd": print_usd(budget.spent_nusd),
        "held_usd": print_usd(budget.held_nusd),
        "left_usd": print_usd(_count_left(budget)),
        "resets_at": stamp(find_window_end_ns(budget.period, budget.window_start_ns)),
    }


def _count_left(budget: Budget) -> int:
    """Below zero is nothing left: a limit may have been lowered under what is there."""
    return max(0, budget.limit_nusd - budget.spent_nusd - budget.held_nusd)
