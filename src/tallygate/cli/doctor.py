"""Examine this machine and say what to do.

Each check is a few lines that look and judge; nothing is changed and nothing is made. Values of keys are never read
aloud, only whether they are there.
"""

import asyncio
import os
import shutil
import sys
from pathlib import Path
from typing import Literal

import typer
from msgspec import Struct

from tallygate.api.listener import CannotListen, listen
from tallygate.app.soundness import find_problems
from tallygate.cli.env import find_base_url
from tallygate.cli.terminal.configuration import read_settings
from tallygate.cli.terminal.failure import Failure
from tallygate.cli.terminal.options import AsJson, ConfigFile, DataFolder
from tallygate.cli.terminal.supply import look
from tallygate.cli.terminal.table import print_json
from tallygate.config import Resolved, Settings
from tallygate.errors import UpstreamError
from tallygate.pipeline.supply import Supply
from tallygate.store.address import Engine, parse_address
from tallygate.store.meta import schema_is_current
from tallygate.store.refusal import StoreRefusal
from tallygate.transport.base import OutgoingRequest, Timeouts
from tallygate.transport.http import HttpExit

app = typer.Typer(add_completion=False)

State = Literal["ok", "note", "warn", "fail"]
PYTHON_MIN = (3, 11)
FREE_BYTES_MIN = 1 << 30
_COLOURS = {"ok": "green", "note": "bright_black", "warn": "yellow", "fail": "red"}


class Finding(Struct, frozen=True):
    """What one check found. `remedy` says what to do, if anything is to be done."""

    state: State
    subject: str
    text: str
    remedy: str = ""


@app.command()
def doctor(config: ConfigFile = None, data: DataFolder = None, as_json: AsJson = False) -> None:
    """Examine this machine and say what to do.

    Exits with 1 when something fails that would keep the gateway from starting.
    """
    findings = [examine_python()]
    try:
        resolved = read_settings(config, data=data)
    except Failure as failure:
        findings.append(Finding("fail", "configuration", str(failure), "Mend the lines named above."))
    else:
        findings += examine_configuration(resolved)
        findings.append(examine_folder(resolved.settings.data))
        findings.append(examine_database(resolved.settings))
        supply = look(resolved)
        findings += examine_providers(resolved, supply)
        findings += examine_models(resolved.settings, supply)
        findings.append(examine_port(resolved.settings))
    if as_json:
        print_json(findings)
    else:
        _print(findings)
    if any(finding.state == "fail" for finding in findings):
        raise typer.Exit(1)


def examine_python() -> Finding:
    """Is this Python new enough?"""
    text = f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro} at {sys.executable}"
    if sys.version_info < PYTHON_MIN:
        return Finding("fail", "Python", text, "Tallygate needs Python 3.11 or newer.")
    return Finding("ok", "Python", text)


def examine_configuration(resolved: Resolved) -> list[Finding]:
    """Can what is set be as it is set? That it could be read is known already."""
    problems = [Finding("fail", "configuration", str(problem)) for problem in find_problems(resolved)]
    changed = sum(value.origin.kind != "default" for value in resolved.values)
    source = f"read from {resolved.file}" if resolved.file else "no file, none is needed"
    return problems or [Finding("ok", "configuration", f"{source}; {changed} of {len(resolved.values)} values set")]


def examine_folder(data: Path) -> Finding:
    """Can the data folder be written, or made, and is there room?"""
    existing = next(folder for folder in (data, *data.parents) if folder.exists())
    if not existing.is_dir():
        return Finding("fail", "data folder", f"{existing} is a file", "Name another folder with TALLYGATE_DATA.")
    if not os.access(existing, os.W_OK | os.X_OK):
        return Finding(
            "fail", "data folder", f"{existing} cannot be written", "Give its owner's rights, or set TALLYGATE_DATA."
        )
    free = shutil.disk_usage(existing).free
    if free < FREE_BYTES_MIN:
        return Finding("warn", "data folder", f"{data}: only {free >> 20} MiB are free", "Make room on this disk.")
    return Finding("ok", "data folder", f"{data}" if data.exists() else f"{data}, made at the first start")


def examine_database(settings: Settings) -> Finding:
    """Does the database open, and is its schema this version's?"""
    try:
        address = parse_address(settings.database_url, settings.data)
        is_current = schema_is_current(address)
    except StoreRefusal as refusal:
        first, _, rest = str(refusal).partition("\n")
        return Finding("fail", "database", first, rest)
    if is_current:
        return Finding("ok", "database", f"{address.shown} opens and is up to date")
    if address.engine is Engine.SQLITE and not address.path.exists():
        return Finding("ok", "database", f"{address.shown}, made at the first start")
    return Finding("ok", "database", f"{address.shown} opens; the next start brings it up to date")


def examine_providers(resolved: Resolved, supply: Supply) -> list[Finding]:
    """Which providers can be called, and why not the others?"""
    findings = [
        Finding("ok", item.provider.title, f"{item.reason} ({len(item.offers)} models listed)")
        for item in supply.providers.found
        if item.provider.quality == "real"
    ]
    if not findings:
        text = "none was found, so only models to test with are offered"
        findings.append(Finding("warn", "providers", text, "Set one of the keys below, or start an engine."))
    configured = set(resolved.settings.providers)
    return findings + [
        Finding("warn" if item.name in configured else "note", item.title, item.reason)
        for item in supply.providers.missing
    ]


def examine_models(settings: Settings, supply: Supply) -> list[Finding]:
    """Does each name that is set lead to somebody, and each further name?"""
    findings: list[Finding] = []
    for name, model in settings.models.items():
        missing = {target.partition("/")[0] for target in model.targets} - supply.rows.keys()
        if model.targets and len(missing) == len({target.partition("/")[0] for target in model.targets}):
            text = f"nobody can serve it now: {', '.join(sorted(missing))} cannot be called"
            findings.append(Finding("warn", f"model {name}", text, "The lines on providers say why."))
        elif lost := [alias for alias in model.aliases if alias not in supply.catalog.records]:
            text = f"nobody offers a model of that name, so nothing is called {', '.join(lost)}"
            findings.append(Finding("warn", f"model {name}", text, f"Give [models] {name} targets, or mend its name."))
    return findings


def examine_port(settings: Settings) -> Finding:
    """Can the gateway listen, or does one listen already?"""
    where = f"{settings.server.host}, port {settings.server.port}"
    try:
        listen(settings.server).close()
    except CannotListen as refusal:
        if asyncio.run(_is_gateway(find_base_url(settings))):
            return Finding("ok", "port", f"a gateway answers on {where} already")
        return Finding("fail", "port", str(refusal))
    return Finding("ok", "port", f"{where} is free")


async def _is_gateway(base_url: str) -> bool:
    """Whether a Tallygate answers there: its front page says its name."""
    exit_ = HttpExit()
    limits = Timeouts(connect_ms=1000, first_byte_ms=1000, silence_ms=1000, total_ms=2000)
    try:
        answer = await exit_.send(OutgoingRequest("GET", f"{base_url}/", (), b""), limits)
        return b'"tallygate"' in await answer.read()
    except UpstreamError:
        return False
    finally:
        await exit_.close()


def _print(findings: list[Finding]) -> None:
    size = max(len(finding.subject) for finding in findings)
    for finding in findings:
        state = typer.style(f"{finding.state:<4}", fg=_COLOURS[finding.state])
        typer.echo(f"{state}  {finding.subject:<{size}}  {finding.text}")
        if finding.remedy:
            typer.echo(f"{'':<{size + 8}}{finding.remedy}")
    count = sum(finding.state == "fail" for finding in findings)
    typer.echo(
        f"\n{count} to mend before the gateway can start." if count else "\nThe gateway can start: tallygate serve"
    )
