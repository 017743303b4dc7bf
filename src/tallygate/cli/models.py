"""List the models that clients can name.

Configured, found by a provider's key, or found on this machine's ports: the same search that a starting gateway makes.
"""

import typer

from tallygate.cli.terminal.configuration import read_settings
from tallygate.cli.terminal.options import AsJson, ConfigFile
from tallygate.cli.terminal.soundness import refuse_unsound
from tallygate.cli.terminal.supply import look
from tallygate.cli.terminal.table import print_json, print_table
from tallygate.config import plain
from tallygate.genai.catalog import ModelRecord
from tallygate.router.settings import ModelSettings

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def models() -> None:
    """List the models that clients can name."""


@app.command("list")
def list_all(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """List every model by name.

    Behind each stand its providers, in order. Other names work too where a provider is known for them, and any name as
    provider/name.
    """
    resolved = read_settings(config)
    refuse_unsound(resolved)
    supply = look(resolved)
    records = list(supply.catalog.records.values())
    declared = {name: model for key, model in resolved.settings.models.items() for name in (key, *model.aliases)}
    if as_json:
        print_json(
            [
                {
                    "id": record.id,
                    "targets": [str(target) for target in record.targets],
                    "quality": record.quality,
                    "context_tokens": record.context_tokens,
                    "output_tokens_max": record.output_tokens_max,
                    "operations": sorted(record.operations),
                    "capabilities": plain(record.capabilities),
                    "aliases": list(record.aliases),
                    "alias_of": record.alias_of or None,
                    "price": plain(declared[record.id].price) if record.id in declared else None,
                }
                for record in records
            ]
        )
        return
    if not records:
        typer.echo("There is no model. `tallygate doctor` says why.", err=True)
        return
    rows = [
        (
            record.id,
            ", ".join(str(target) for target in record.targets),
            f"{record.context_tokens:,}" if record.context_tokens else "",
            _show_price(declared.get(record.id)),
            _show_kind(record),
        )
        for record in records
    ]
    print_table(["model", "served by", "context", "usd per million in / out", "kind"], rows)


def _show_kind(record: ModelRecord) -> str:
    if record.alias_of:
        return f"alias of {record.alias_of}"
    return "test" if record.quality == "test" else ""


def _show_price(model: ModelSettings | None) -> str:
    if model is None or model.price is None:
        return ""
    if isinstance(model.price, str):
        return model.price
    price = model.price
    sides = f"{price.input or '-'} / {price.output or '-'}"
    if price.factor is None:
        return sides
    return f"{price.factor} x {sides if price.input or price.output else 'list'}"
