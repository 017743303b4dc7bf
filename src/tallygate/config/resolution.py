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
from tallygate.config.document import Source, read_document, read_source
from tallygate.config.environment import CONFIG, read_environment, read_platform
from tallygate.config.origin import ConfigError, Origin
from tallygate.config.settings import Settings

FILE_NAME = "tallygate.toml"


class Inputs(Struct, frozen=True):
    """Everything a configuration is read from, so that it can be read again.

    `config` is the file asked for by a flag; else `TALLYGATE_CONFIG`; else ``tallygate.toml`` in `folder` if it is
    there. `flags` maps setting names to typed values; None means not given. Relative paths in a file start at the
    file's folder, others at `folder`, which is absolute.
    """

    config: FilePath | None
    environ: Mapping[str, str]
    flags: Mapping[str, object]
    folder: FilePath

    def __repr__(self) -> str:
        # The environment holds keys.
        return f"Inputs(config={self.config!r}, folder={self.folder!r})"

    def find_source(self) -> Source | None:
        """The file as it is now; None if there is none. Raises ConfigError if it cannot be read."""
        if self.config is not None:
            return read_source(self.folder, self.config, Origin(kind="flag", place="--config"))
        if named := self.environ.get(CONFIG):
            return read_source(self.folder, FilePath(named), Origin(kind="environment", place=CONFIG))
        if (self.folder / FILE_NAME).is_file():
            return read_source(self.folder, FilePath(FILE_NAME), Origin(kind="default", place="the working directory"))
        return None

    def resolve(self, source: Source | None) -> "Resolved":
        """The configuration with the file as `source` has it. Raises ConfigError with every problem found."""
        assembly = Assembly(self.folder)
        if source is not None:
            assembly.take(read_document(source))
        texts, problems = read_environment(self.environ, assembly.names())
        assembly.problems += problems
        for text in (*read_platform(self.environ), *texts):
            assembly.put(text.path, Given(value=text.text, origin=text.origin, folder=self.folder, is_text=True))
        for setting, value in self.flags.items():
            if value is not None:
                path = tuple(setting.split("."))
                origin = Origin(kind="flag", place=f"--{path[-1].replace('_', '-')}")
                plain = str(value) if isinstance(value, FilePath) else value
                assembly.put(path, Given(value=plain, origin=origin, folder=self.folder))
        settings = assembly.build()
        if assembly.problems:
            raise ConfigError(assembly.problems)
        return _complete(settings, assembly.values, self, source)


class Resolved(Struct, frozen=True):
    """The configuration in force, and what it was read from. `source` is None when there is no file."""

    settings: Settings
    values: tuple[Value, ...]
    inputs: Inputs
    source: Source | None = None

    @property
    def file(self) -> FilePath | None:
        """The file's path; None when there is none."""
        return self.source.file if self.source else None

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
    """Read the configuration; what the arguments mean is said of `Inputs`, and each has a default.

    Raises ConfigError with every problem found.
    """
    inputs = Inputs(
        config=config,
        environ=os.environ if environ is None else environ,
        flags=flags or {},
        folder=(folder or FilePath()).absolute(),
    )
    return inputs.resolve(inputs.find_source())


def _complete(settings: Settings, values: list[Value], inputs: Inputs, source: Source | None) -> Resolved:
    """Fill in the defaults that depend on another setting: database and media lie in the data folder."""
    derived = {
        "database_url": settings.database_url or f"sqlite:///{settings.data}/tallygate.db",
        "media_url": settings.media_url or (settings.data / "media").as_uri(),
    }
    values = [replace(value, value=derived.get(value.setting, value.value)) for value in values]
    return Resolved(settings=replace(settings, **derived), values=tuple(values), inputs=inputs, source=source)
