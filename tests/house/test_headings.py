"""Every name a user can meet has a heading in the reference, spelt as the user meets it, in backticks.

A setting and an error code stand alone (`server.port`), a verb as it is typed (`tallygate keys create`), an address
with or without its methods (`POST /v1/chat/completions`).
"""

import importlib
import re
from collections.abc import Iterable

from typer.core import TyperGroup
from typer.main import get_command

from tallygate.api.urls import URLS
from tallygate.cli import list_verbs
from tallygate.config import list_settings
from tallygate.errors import TallygateError
from tests.house.source import ROOT

PAGES = {path: path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs/reference").glob("*.md"))}


def test_every_setting_has_a_heading() -> None:
    _require("setting", list_settings())


def test_every_address_has_a_heading() -> None:
    _require("address", {route.path for route in URLS})


def test_every_verb_has_a_heading() -> None:
    _require("verb", _list_commands())


def test_every_error_code_has_a_heading() -> None:
    _require("error code", {error.code for error in _descend(TallygateError)})


def test_only_a_heading_counts() -> None:
    page = "# A\n\n## `server.port`\n\n`server.host`\n\n### `GET, HEAD /ready` and `tallygate keys list --json`\n"
    assert _headed(page) == {"server.port", "GET, HEAD /ready", "tallygate keys list --json"}
    assert _missing(["server.port", "/ready", "tallygate keys list"], page) == []
    assert _missing(["server.host", "port", "server", "/", "keys"], page) == [
        "server.host",
        "port",
        "server",
        "/",
        "keys",
    ]


def test_a_heading_in_a_block_of_code_does_not_count() -> None:
    assert _headed("```sh\n# `server.port`\n```\n") == set()


def _require(kind: str, names: Iterable[str]) -> None:
    missing = _missing(sorted(names), "\n".join(PAGES.values()))
    assert not missing, f"docs/reference has no heading for the {kind} " + ", ".join(f"`{name}`" for name in missing)


def _missing(names: Iterable[str], text: str) -> list[str]:
    headed = _headed(text)
    return [name for name in names if not any(_says(span, name) for span in headed)]


def _headed(text: str) -> set[str]:
    """What stands in backticks in a heading."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#{1,6} (.+)$", prose, flags=re.MULTILINE)
    return {span for heading in headings for span in re.findall(r"`([^`]+)`", heading)}


def _says(span: str, name: str) -> bool:
    """Whether the span is the name; an address may follow its methods, and arguments a verb."""
    if name.startswith("/"):
        return span.rsplit(" ", maxsplit=1)[-1] == name
    if name.startswith("tallygate "):
        return f"{span} ".startswith(f"{name} ")
    return span == name


def _list_commands() -> set[str]:
    """Every command line that does something: `tallygate serve`, `tallygate keys create`."""
    found: set[str] = set()
    for verb in list_verbs():
        command = get_command(importlib.import_module(f"tallygate.cli.{verb}").app)
        inner = sorted(command.commands) if isinstance(command, TyperGroup) else [""]
        found |= {f"tallygate {verb} {name}".rstrip() for name in inner}
    return found


def _descend(error: type[TallygateError]) -> Iterable[type[TallygateError]]:
    yield error
    for child in error.__subclasses__():
        yield from _descend(child)
