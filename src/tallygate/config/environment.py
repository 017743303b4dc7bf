"""Settings from the environment: ``TALLYGATE_DATA``, ``TALLYGATE_SERVER__PORT``, and ``…_FILE`` for any of them.

`HOST` and `PORT`, which platforms set, rank below our own variables. Only names and texts are handled here; what a text
means is decided where its type is known.
"""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath

from msgspec import Struct

from tallygate.config.origin import Origin, Path, Problem
from tallygate.config.settings import Settings
from tallygate.config.shape import entry_struct, field_of, nearest, section_struct

PREFIX = "TALLYGATE_"
CONFIG = "TALLYGATE_CONFIG"
FOR_CLIENTS = ("TALLYGATE_BASE_URL", "TALLYGATE_API_KEY")
"""What clients of a gateway read. They may well stand in the environment of a gateway that runs beside them."""

# Kubernetes sets these for every service of a namespace; one named tallygate must not stop us from starting.
_SERVICE_LINK = re.compile(r"TALLYGATE_(\w+_)?(SERVICE_HOST|SERVICE_PORT\w*|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)\Z")
_SERVICE_URL = re.compile(r"(tcp|udp|sctp)://")


class Text(Struct, frozen=True):
    """A setting given as text from outside the file."""

    path: Path
    text: str
    origin: Origin


def variable_of(path: Path) -> str:
    """The variable that sets a setting: ``server.port`` → ``TALLYGATE_SERVER__PORT``."""
    return PREFIX + "__".join(_fold(part) for part in path)


def read_platform(environ: Mapping[str, str]) -> list[Text]:
    """`PORT` and `HOST` as platforms set them.

    Some shells and compilers put the machine's name in `HOST`, so it only counts when it is an address or localhost.
    """
    found: list[Text] = []
    host, port = environ.get("HOST", ""), environ.get("PORT", "")
    if host == "localhost" or _is_address(host):
        found.append(Text(("server", "host"), host, Origin(kind="environment", place="HOST")))
    if port:
        found.append(Text(("server", "port"), port, Origin(kind="environment", place="PORT")))
    return found


def read_environment(
    environ: Mapping[str, str], names: Mapping[str, Iterable[str]]
) -> tuple[list[Text], list[Problem]]:
    """Our own variables. `names` has the entries that the file gives each table, so that their spelling is kept.

    An empty variable counts as not set, for that is how compose files say it.
    """
    texts: list[Text] = []
    problems: list[Problem] = []
    for variable in sorted(environ):
        value = environ[variable]
        if not value or not variable.startswith(PREFIX) or _is_foreign(variable, value):
            continue
        origin = Origin(kind="environment", place=variable)
        parts = tuple(variable.removeprefix(PREFIX).lower().split("__"))
        if path := _match(parts, names):
            texts.append(Text(path, value, origin))
        elif path := _match((*parts[:-1], parts[-1].removesuffix("_file")), names):
            try:
                texts.append(Text(path, FilePath(value).read_text("utf-8").strip(), origin))
            except (OSError, UnicodeDecodeError) as error:
                reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
                problems.append(Problem("", f"cannot read {value}: {reason}", origin))
        else:
            meant = nearest(parts)
            hint = f"; did you mean {variable_of(meant)}?" if meant else ""
            origin = Origin(kind="environment", place="the environment")
            problems.append(Problem(variable, f"no such setting{hint}", origin))
    return texts, problems


def _match(parts: Path, names: Mapping[str, Iterable[str]]) -> Path | None:
    """The setting that a variable's parts name, or None."""
    struct: type[Struct] = Settings
    path: Path = ()
    rest = list(parts)
    while rest:
        part = rest.pop(0)
        field = field_of(struct, part)
        if field is None:
            return None
        path = (*path, part)
        if section := section_struct(field.type):
            struct = section
        elif entry := entry_struct(field.type):
            if not rest:
                return None
            struct, chosen = entry, rest.pop(0)
            path = (*path, next((name for name in names.get(part, ()) if _fold(name) == chosen.upper()), chosen))
        else:
            return None if rest else path
    return None


def _fold(name: str) -> str:
    """A name as a variable can carry it: ``my-lab`` → ``MY_LAB``."""
    return re.sub(r"[^A-Z0-9_]", "_", name.upper())


def _is_foreign(variable: str, value: str) -> bool:
    """Whether a variable with our prefix is no setting and yet in its place."""
    if variable == CONFIG or variable in FOR_CLIENTS:
        return True
    if variable.endswith("_PORT") and _SERVICE_URL.match(value):
        return True
    return _SERVICE_LINK.match(variable) is not None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
