"""From file, environment and flags to one checked `Settings`, with the origin of every value.

Later sources win: default, file, `PORT` and `HOST`, our own variables, flags.
"""

import os
from collections.abc import Mapping
from pathlib import Path as FilePath

from msgspec import Struct
from msgspec.structs import replace

from tallygate.config.assembly import Assembly, Value
from tallygate.config.conversion import Given
from tallygate.config.document import Document, read_document
from tallygate.config.environment import CONFIG, read_environment, read_platform
from tallygate.config.origin import ConfigError, Origin
from tallygate.config.settings import Settings

FILE_NAME = "tallygate.toml"


class Resolved(Struct, frozen=True):
    """The configuration in force. `file` is None when there is none."""

    settings: Settings
    values: tuple[Value, ...]
    file: FilePath | None = None

    @property
    def origins(self) -> dict[str, Origin]:
        """Setting to origin, in the order of the documentation."""
        return {value.setting: value.origin for value in self.values}


def resolve(
    config: FilePath | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
    folder: FilePath | None = None,
) -> Resolved:
    """Read the configuration.

    `config` is the file asked for by a flag; else `TALLYGATE_CONFIG`; else ``tallygate.toml`` in `folder` (the working
    directory) if it is there. `flags` maps setting names to typed values; None means not given. Relative paths in a
    file start at the file's folder, others at `folder`. Raises ConfigError with every problem found.
    """
    environ = os.environ if environ is None else environ
    folder = (folder or FilePath()).absolute()
    assembly = Assembly(folder)
    document = _find_document(config, environ, folder)
    if document:
        assembly.take(document)
    texts, problems = read_environment(environ, assembly.names())
    assembly.problems += problems
    for text in (*read_platform(environ), *texts):
        assembly.put(text.path, Given(value=text.text, origin=text.origin, folder=folder, is_text=True))
    for setting, value in (flags or {}).items():
        if value is not None:
            path = tuple(setting.split("."))
            origin = Origin(kind="flag", place=f"--{path[-1].replace('_', '-')}")
            plain = str(value) if isinstance(value, FilePath) else value
            assembly.put(path, Given(value=plain, origin=origin, folder=folder))
    settings = assembly.build()
    if assembly.problems:
        raise ConfigError(assembly.problems)
    return _complete(settings, assembly.values, document.file if document else None)


def _complete(settings: Settings, values: list[Value], file: FilePath | None) -> Resolved:
    """Fill in the defaults that depend on another setting: database and media lie in the data folder."""
    derived = {
        "database_url": settings.database_url or f"sqlite:///{settings.data}/tallygate.db",
        "media_url": settings.media_url or (settings.data / "media").as_uri(),
    }
    values = [replace(value, value=derived.get(value.setting, value.value)) for value in values]
    return Resolved(settings=replace(settings, **derived), values=tuple(values), file=file)


def _find_document(config: FilePath | None, environ: Mapping[str, str], folder: FilePath) -> Document | None:
    if config is not None:
        return read_document(folder, config, Origin(kind="flag", place="--config"))
    if named := environ.get(CONFIG):
        return read_document(folder, FilePath(named), Origin(kind="environment", place=CONFIG))
    if (folder / FILE_NAME).is_file():
        return read_document(folder, FilePath(FILE_NAME), Origin(kind="default", place="the working directory"))
    return None
