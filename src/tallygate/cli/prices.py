"""List, set and import prices.

A price once set is never changed: setting it again adds a version, and a running gateway uses it within seconds. What a
price may be is known to `ledger`, this file parses and prints.
"""

import time
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import msgspec
import typer

from tallygate.app import make_supply
from tallygate.cli.terminal.configuration import read_settings
from tallygate.cli.terminal.failure import Failure
from tallygate.cli.terminal.moment import parse_moment, show_moment
from tallygate.cli.terminal.options import AsJson, ConfigFile, DataFolder
from tallygate.cli.terminal.pricing import COLUMNS, SHORT, UNITS, Shown, describe, to_cells, to_json
from tallygate.cli.terminal.session import open_database
from tallygate.cli.terminal.soundness import refuse_unsound
from tallygate.cli.terminal.supply import look
from tallygate.cli.terminal.table import print_json, print_table
from tallygate.config import Settings
from tallygate.errors import ModelNotFound, NoTarget, Unpriced
from tallygate.genai.peek import Peek
from tallygate.genai.plan import Target
from tallygate.genai.price_row import PriceKind, PriceRow
from tallygate.ledger import litellm, price_admin
from tallygate.ledger.catalogue import load_catalogue
from tallygate.ledger.pricelist import PriceList, Version, is_lone_factor
from tallygate.ledger.prices import Price
from tallygate.ledger.terms import FREE, Terms
from tallygate.pipeline.supply import Supply
from tallygate.providers.registry import load_rows
from tallygate.router.plan import split_target
from tallygate.router.settings import ModelSettings

app = typer.Typer(no_args_is_help=True, add_completion=False)

LITELLM = "litellm"


def _amount(name: str, what: str) -> Any:
    return typer.Option(f"--{name}", metavar="USD", help=what, show_default=False)


Amount = str | None


@app.command("list")
def list_all(
    model: Annotated[str | None, typer.Option("--model", metavar="M", help="Only the prices of this model.")] = None,
    kind: Annotated[
        Literal["sale", "cost"] | None, typer.Option("--kind", help="What wallets pay, or what providers are owed.")
    ] = None,
    all_versions: Annotated[
        bool, typer.Option("--all-versions", help="Everything that is said, not only what is in force.")
    ] = False,
    config: ConfigFile = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """List the prices in force, and who says each.

    set: an operator, with `prices set` or `import`. configured: the file. list: the list that ships. local: runs here,
    or is there to test with. dearest: of several providers' prices.
    """
    resolved = read_settings(config, data=data)
    refuse_unsound(resolved)
    with open_database(config, data) as (database, settings):
        rows = price_admin.list_rows(database)
    supply = look(resolved)
    prices = _open_list(settings, supply, rows)
    callable_: dict[str, tuple[Target, ...]] = {name: record.targets for name, record in supply.catalog.records.items()}
    if model is not None:
        callable_ = {model: _find_targets(supply, model)}
    shown: list[Shown] = []
    if kind != "cost":
        names = dict.fromkeys([*callable_, *(sorted(prices.names("sale")) if model is None else ())])
        for name in names:
            shown += _show_sale(prices, name, callable_.get(name, ()), all_versions=all_versions)
    if kind != "sale":
        targets = dict.fromkeys(str(target) for targets in callable_.values() for target in targets)
        if model is None and (kind == "cost" or all_versions):
            targets |= dict.fromkeys(sorted(prices.names("cost")))
        for name in targets:
            shown += _show_cost(prices, name, all_versions=all_versions)
    if as_json:
        print_json([to_json(line) for line in shown])
    elif shown:
        columns = len(COLUMNS) if all_versions else SHORT
        print_table(COLUMNS[:columns], [to_cells(line)[:columns] for line in shown])
        typer.echo(f"\n{UNITS}", err=True)
    else:
        typer.echo("There is no model. `tallygate doctor` says why.", err=True)


def _show_sale(prices: PriceList, name: str, targets: tuple[Target, ...], *, all_versions: bool) -> list[Shown]:
    said = prices.versions("sale", name) if all_versions else ()
    if said:
        return [Shown("sale", name, version) for version in said]
    try:
        return [Shown("sale", name, prices.sale(name, targets, time.time_ns()))]
    except Unpriced:
        return [Shown("sale", name, None)]


def _show_cost(prices: PriceList, name: str, *, all_versions: bool) -> list[Shown]:
    said: tuple[Version | None, ...] = prices.versions("cost", name) if all_versions else ()
    return [Shown("cost", name, version) for version in said or (prices.cost(split_target(name), time.time_ns()),)]


@app.command("set")
def set_one(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="The name clients call, or provider/model with --cost.", show_default=False
        ),
    ],
    is_cost: Annotated[bool, typer.Option("--cost", help="What the provider is owed, not what wallets pay.")] = False,
    input_: Annotated[Amount, _amount("input", "A million tokens of input.")] = None,
    output: Annotated[Amount, _amount("output", "A million tokens of output.")] = None,
    cache_read: Annotated[Amount, _amount("cache-read", "A million tokens from the cache. [default: as input]")] = None,
    cache_write: Annotated[Amount, _amount("cache-write", "A million tokens into it. [default: as input]")] = None,
    cache_write_1h: Annotated[Amount, _amount("cache-write-1h", "The same, kept for an hour.")] = None,
    audio_input: Annotated[Amount, _amount("audio-input", "A million tokens of sound. [default: as input]")] = None,
    reasoning: Annotated[Amount, _amount("reasoning", "A million tokens of thought. [default: as output]")] = None,
    audio_output: Annotated[Amount, _amount("audio-output", "A million tokens of speech. [default: as output]")] = None,
    character: Annotated[Amount, _amount("character", "A million characters to be spoken.")] = None,
    call: Annotated[Amount, _amount("call", "Each call.")] = None,
    image: Annotated[Amount, _amount("image", "Each image made.")] = None,
    second: Annotated[Amount, _amount("second", "Each second of sound or film.")] = None,
    tool_use: Annotated[Amount, _amount("tool-use", "Each use of a tool that the provider runs.")] = None,
    factor: Annotated[
        Amount, typer.Option("--factor", metavar="N", help="Multiplies the prices beside it, or alone the list price.")
    ] = None,
    free: Annotated[bool, typer.Option("--free", help="It costs nothing.")] = False,
    terms: Annotated[
        Path | None, typer.Option("--terms", metavar="FILE", help="A price as a table in JSON or TOML, for tiers.")
    ] = None,
    effective_from: Annotated[
        str | None, typer.Option("--effective-from", metavar="T", help="A date, or 12h from now. [default: now]")
    ] = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Set a price from now on, or from another moment.

    Calls that run keep the price they began with.
    """
    parts = {
        "input": input_,
        "output": output,
        "cache_read": cache_read,
        "cache_write": cache_write,
        "cache_write_1h": cache_write_1h,
        "audio_input": audio_input,
        "reasoning": reasoning,
        "audio_output": audio_output,
        "character": character,
        "call": call,
        "image": image,
        "second": second,
        "tool_use": tool_use,
        "factor": factor,
    }
    wanted = _choose_terms({key: amount for key, amount in parts.items() if amount is not None}, terms, free=free)
    kind: PriceKind = "cost" if is_cost else "sale"
    from_ns = None if effective_from is None else parse_moment(effective_from, time.time_ns(), may_be_past=True)
    with open_database(config, data) as (database, settings):
        listed = None
        if is_lone_factor(wanted):
            listed = _find_listed(settings, price_admin.list_rows(database), kind, name)
        done = price_admin.set_price(
            database, kind, name, wanted, effective_from_ns=from_ns, listed=listed, actor="cli"
        )
    if as_json:
        print_json({**to_json(Shown(kind, name, Version(done.price, done.row.version, "set"))), "added": done.added})
        return
    _tell(done)


def _tell(done: price_admin.SetPrice) -> None:
    price = done.price
    what = "The cost of" if price.kind == "cost" else "The price of"
    since = show_moment(price.effective_from_ns)
    typer.echo(f"{what} {price.name} {'is set' if done.added else 'was set already'}, from {since} on:")
    print_table(COLUMNS[2:5], [describe(price)])
    if not price.free and (price.rates.input is None or price.rates.output is None):
        typer.echo("\nChat calls need a price of input and of output: without both they are refused.", err=True)


def _choose_terms(parts: dict[str, str], file: Path | None, *, free: bool) -> Terms:
    given = [bool(parts), file is not None, free]
    if sum(given) != 1:
        raise Failure("Give either amounts, or --free, or --terms FILE.", 2)
    if free:
        return FREE
    return parts if file is None else cast("Terms", _read_table(file))


def _read_table(file: Path) -> dict[str, Any]:
    """A table from a file, TOML by its name, else JSON. Raises Failure."""
    data = file.read_bytes()
    try:
        if file.suffix == ".toml":
            return tomllib.loads(data.decode())
        return msgspec.json.decode(data, type=dict[str, Any])
    except (tomllib.TOMLDecodeError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Failure(f"{file} cannot be read: {error}.") from None


@app.command("import")
def import_list(
    source: Annotated[
        str, typer.Argument(metavar="litellm|FILE.toml", help="LiteLLM's list in FILE, or a table of [models].")
    ],
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", show_default=False)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be set.")] = False,
    config: ConfigFile = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Import prices, from now on.

    Costs from LiteLLM's JSON list, or sale prices from the [models] of a TOML file.

    What is not carried is said line by line. A price that is in force already is left alone.
    """
    if (source == LITELLM) != (file is not None):
        raise Failure("Write `prices import litellm FILE`, or `prices import FILE.toml`.", 2)
    path = Path(source) if file is None else file
    prices, notes = _read_litellm(path) if source == LITELLM else (_read_models(path), ())
    with open_database(config, data) as (database, _):
        done = price_admin.import_prices(database, prices, source=path.name, actor="cli", dry_run=dry_run)
    if as_json:
        names = [{"kind": row.kind, "name": row.name, "version": row.version} for row in done.added]
        print_json({"added": names, "unchanged": done.unchanged, "notes": list(notes), "dry_run": dry_run})
        return
    for note in notes:
        typer.echo(note, err=True)
    verb = "Would set" if dry_run else "Set"
    typer.echo(
        f"{verb} {len(done.added):,} price{'' if len(done.added) == 1 else 's'}. In force already: {done.unchanged:,}."
    )


def _read_litellm(path: Path) -> tuple[tuple[Price, ...], tuple[str, ...]]:
    try:
        imported = litellm.read_prices(path.read_bytes())
    except msgspec.DecodeError as error:
        raise Failure(f"{path} is not LiteLLM's list: {error}.") from None
    return imported.prices, imported.notes


def _read_models(path: Path) -> list[Price]:
    """The sale prices of the models that a file declares, as a gateway with that file would charge them."""
    try:
        models = msgspec.convert(_read_table(path).get("models", {}), dict[str, ModelSettings])
        prices = PriceList(load_catalogue(), models)
    except (ValueError, msgspec.ValidationError) as error:
        raise Failure(f"{path}: {error}.") from None
    priced = {name: model for name, model in models.items() if model.price is not None}
    if not priced:
        raise Failure(f"{path} holds no price: there is no [models.NAME] with a price in it.")
    try:
        return [prices.sale(name, (), time.time_ns()).price for name in priced]
    except Unpriced:
        raise Failure(f"{path}: a factor stands alone for a model without a list price.") from None


def _open_list(settings: Settings, supply: Supply, rows: list[PriceRow]) -> PriceList:
    free = [row.name for row in {**load_rows(), **supply.rows}.values() if row.free]
    return PriceList(load_catalogue(), settings.models, free, rows)


def _find_listed(settings: Settings, rows: list[PriceRow], kind: PriceKind, name: str) -> Price | None:
    """What a lone factor multiplies: the shipped list's price of a target, or the cost of a model's first target."""
    supply = make_supply(settings, demo=False)
    if kind == "cost":
        listed = _open_list(settings, supply, []).cost(split_target(name), time.time_ns())
    else:
        targets = _find_targets(supply, name)
        listed = _open_list(settings, supply, rows).cost(targets[0], time.time_ns()) if targets else None
    return None if listed is None else listed.price


def _find_targets(supply: Supply, model: str) -> tuple[Target, ...]:
    """Who would serve a model now; nobody, if it cannot be called."""
    try:
        return supply.plan(Peek(model=model), "chat").targets
    except (ModelNotFound, NoTarget):
        return ()
