"""The whole file: each section with its own reader, what nobody reads reported too, and ours written from all that."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct

from tallygate.config.litellm.advice import FALLBACKS, GENERAL, LITELLM, ROUTER, SECTIONS
from tallygate.config.litellm.deployments import FROM_ENVIRON, DeploymentReader, read_milliseconds
from tallygate.config.litellm.models import Model, Providers, add_alias, make_models
from tallygate.config.litellm.nodes import Node, Pair, read_yaml
from tallygate.config.litellm.report import Line, Report
from tallygate.config.litellm.toml import spell, spell_key

_STRATEGIES: Final = {
    "simple-shuffle": ("weight", ""),
    "latency-based-routing": ("latency", ""),
    "cost-based-routing": ("price", ""),
    "least-busy": ("weight", "calls under way are not compared; targets are drawn by weight"),
    "usage-based-routing": ("weight", "tokens in a minute are not compared; targets are drawn by weight"),
    "usage-based-routing-v2": ("weight", "tokens in a minute are not compared; targets are drawn by weight"),
}
_NO_PRICE: Final = (
    '# price = "free"   # or { input = "0.20", output = "0.80" } in USD per million: calls are refused without'
)


class Imported(Struct, frozen=True):
    """Our file, the report, and the variables that must be set, each with what it is for."""

    toml: str
    lines: tuple[Line, ...]
    variables: Mapping[str, str]

    @property
    def has_losses(self) -> bool:
        """Whether a model of the file cannot be called, or not yet."""
        return any(line.is_loss for line in self.lines)


def import_litellm(data: bytes, name: str, environ: Mapping[str, str]) -> Imported:
    """Read a `config.yaml`. `name` is the file's, for the heading; `environ` is asked for addresses only.

    Raises BadYaml.
    """
    root = read_yaml(data)
    work = _Work(environ)
    for pair in root.pairs or ():
        work.read_section(pair)
    if root.pairs is None:
        work.report.leave(root.line, name, "the file is no mapping of sections", is_loss=True)
    return work.finish(name)


class _Work:
    """One file while it is read."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.report = Report()
        self._environ = environ
        self._settings: dict[str, dict[str, Any]] = {}
        self._strategy = "weight"
        self._model_list: Node | None = None
        self._aliases: list[tuple[str, Pair]] = []
        self._variables: list[Pair] = []

    def read_section(self, pair: Pair) -> None:
        readers: dict[str, tuple[Mapping[str, _Read], Mapping[str, str]]] = {
            "router_settings": (_ROUTER, ROUTER),
            "litellm_settings": (_LITELLM, LITELLM),
            "general_settings": (_GENERAL, GENERAL),
        }
        if pair.key == "model_list" and pair.value.items is not None:
            self._model_list = pair.value
        elif pair.key == "environment_variables" and pair.value.pairs is not None:
            self._variables += pair.value.pairs
        elif pair.key in readers and pair.value.pairs is not None:
            for inner in pair.value.pairs:
                self._read_setting(f"{pair.key}.{inner.key}", inner, *readers[pair.key])
        elif not pair.value.is_null:
            known = pair.key in readers or pair.key in ("model_list", "environment_variables")
            otherwise = "it is not of the kind that it should be" if known else "not known here"
            self.report.leave(pair.line, pair.key, SECTIONS.get(pair.key, otherwise), is_loss=pair.key == "model_list")

    def _read_setting(self, where: str, pair: Pair, readers: "Mapping[str, _Read]", advice: Mapping[str, str]) -> None:
        if pair.key in FALLBACKS:
            self._leave_fallbacks(where, pair)
        elif pair.key == "model_group_alias" and pair.value.pairs is not None:
            self._aliases += [(f"{where}.{inner.key}", inner) for inner in pair.value.pairs]
        elif (read := readers.get(pair.key)) is None or not read(self, where, pair):
            unusable = "its value cannot be used here" if read else "not known here"
            self.report.leave(pair.line, where, advice.get(pair.key, unusable))

    def _leave_fallbacks(self, where: str, pair: Pair) -> None:
        """A line for each of them: who relies on one must read it."""
        items = pair.value.items or ()
        for at, item in enumerate(items):
            for inner in item.pairs or ():
                others = ", ".join(inner.value.words())
                self.report.leave(inner.line, f"{where}[{at}].{inner.key}", f"not to {others}: {FALLBACKS[pair.key]}")
            if item.pairs is None:
                self.report.leave(item.line, f"{where}[{at}]", FALLBACKS[pair.key])
        if not items:
            self.report.leave(pair.line, where, FALLBACKS[pair.key])

    def put(self, where: str, line: int, section: str, key: str, value: object) -> bool:
        """One of our settings. Where two of theirs are one of ours the first counts, and the second is reported."""
        settings = self._settings.setdefault(section, {})
        if key in settings and settings[key] != value:
            self.report.leave(line, where, f"{section}.{key} is taken from another line")
            return False
        settings[key] = value
        return True

    def choose(self, strategy: str) -> None:
        """How targets are chosen where a name has several."""
        self._strategy = strategy

    def finish(self, name: str) -> Imported:
        """Everything that needs the whole file, and then ours."""
        deployments = DeploymentReader(self.report, self._environ).read(self._model_list or Node(line=1, items=()))
        providers = Providers(deployments)
        models = make_models(deployments, providers, self._strategy, self.report)
        for where, pair in self._aliases:
            self._give_alias(models, where, pair)
        for pair in self._variables:
            text = "set it in the environment of the gateway; what stands in the file is not carried over"
            if pair.key not in self.report.variables:
                text = "its value is not carried over; the gateway does not need it for what was taken"
            self.report.leave(pair.line, f"environment_variables.{pair.key}", text)
        toml = _write(name, self._settings, providers.sections, models, self.report.variables)
        return Imported(toml, self.report.lines, self.report.variables)

    def _give_alias(self, models: Mapping[str, Model], where: str, pair: Pair) -> None:
        wanted = pair.value.get("model") if pair.value.pairs is not None else pair.value
        name = wanted.text if wanted is not None and wanted.is_scalar else ""
        if reason := add_alias(models, pair.key, name):
            self.report.leave(pair.line, where, reason)
        elif pair.value.get("hidden") is not None:
            self.report.change(pair.line, where, f"as an alias of {name}, which lists show")
        else:
            self.report.take(pair.line, where, f"as an alias of {name}")


_Read = Callable[[_Work, str, Pair], bool]
"""Reads one setting and reports it; False if it cannot, and then advice is given."""


def _read_strategy(work: _Work, where: str, pair: Pair) -> bool:
    if pair.value.text not in _STRATEGIES:
        return False
    choose, note = _STRATEGIES[pair.value.text]
    work.choose(choose)
    if note:
        work.report.change(pair.line, where, f'as choose = "{choose}" of each model: {note}')
    else:
        work.report.take(pair.line, where, f'as choose = "{choose}" of each model with several targets')
    return True


def _read_time(section: str, key: str) -> _Read:
    def read(work: _Work, where: str, pair: Pair) -> bool:
        milliseconds = read_milliseconds(pair.value)
        if milliseconds is None:
            return False
        if work.put(where, pair.line, section, key, milliseconds):
            work.report.change(pair.line, where, f"as {section}.{key}, in milliseconds")
        return True

    return read


def _read_count(section: str, key: str, most: int, more: int = 0, note: str = "") -> _Read:
    def read(work: _Work, where: str, pair: Pair) -> bool:
        text = pair.value.text
        if not pair.value.is_scalar or not text.isdecimal() or int(text[:9]) + more > most:
            return False
        if work.put(where, pair.line, section, key, int(text) + more):
            work.report.change(pair.line, where, f"as {section}.{key}{note}")
        return True

    return read


def _read_cooldowns(work: _Work, where: str, pair: Pair) -> bool:
    if pair.value.flag is None:
        return False
    work.put(where, pair.line, "router", "circuits", not pair.value.flag)
    work.report.take(pair.line, where, "as router.circuits")
    return True


def _read_json_logs(work: _Work, where: str, pair: Pair) -> bool:
    if pair.value.flag is None:
        return False
    work.put(where, pair.line, "", "log_format", "json" if pair.value.flag else "text")
    work.report.take(pair.line, where, "as log_format")
    return True


def _read_master_key(work: _Work, where: str, pair: Pair) -> bool:
    source = pair.value.text.removeprefix(FROM_ENVIRON) if pair.value.text.startswith(FROM_ENVIRON) else "it"
    work.report.need("TALLYGATE_ADMIN_KEY", "the admin key; made at the first start if it is not set")
    work.report.change(pair.line, where, f"give {source} as TALLYGATE_ADMIN_KEY; it administers, and calls no model")
    return True


def _read_size(work: _Work, where: str, pair: Pair) -> bool:
    if not pair.value.text.isdecimal() or not 1 <= int(pair.value.text[:9]) <= 1024:
        return False
    work.put(where, pair.line, "server", "body_bytes_max", int(pair.value.text) << 20)
    work.report.take(pair.line, where, "as server.body_bytes_max")
    return True


_RETRIES: Final = _read_count("router", "retries_max", 10, note=", within the budget of router.retry_percent")
_FAILS: Final = _read_count(
    "router", "failures_in_row_max", 1_000_000, more=1, note=", counted in a row and not by the minute"
)
_TOTAL: Final = _read_time("router", "total_ms")
_ROUTER: Final[Mapping[str, _Read]] = {
    "routing_strategy": _read_strategy,
    "num_retries": _RETRIES,
    "allowed_fails": _FAILS,
    "cooldown_time": _read_time("router", "open_ms"),
    "timeout": _TOTAL,
    "stream_timeout": _read_time("transport", "first_byte_ms"),
    "disable_cooldowns": _read_cooldowns,
}
_LITELLM: Final[Mapping[str, _Read]] = {
    "request_timeout": _TOTAL,
    "num_retries": _RETRIES,
    "allowed_fails": _FAILS,
    "json_logs": _read_json_logs,
}
_GENERAL: Final[Mapping[str, _Read]] = {"master_key": _read_master_key, "max_request_size_mb": _read_size}


def _write(
    name: str,
    settings: Mapping[str, Mapping[str, Any]],
    providers: Mapping[str, Mapping[str, Any]],
    models: Mapping[str, Model],
    variables: Mapping[str, str],
) -> str:
    lines = [f"# From {name}. `tallygate check` prints what it comes to."]
    lines += [f"# Set {variable}: {what_for}." for variable, what_for in variables.items()]
    lines += _write_pairs(settings.get("", {}))
    for section, pairs in settings.items():
        if section:
            lines += ["", f"[{section}]", *_write_pairs(pairs)]
    for provider, pairs in providers.items():
        lines += ["", f"[providers.{spell_key(provider)}]", *_write_pairs(pairs)]
    for model in models.values():
        lines += ["", f"[models.{spell_key(model.name)}]", f"targets = {spell(model.targets)}"]
        lines += [f"aliases = {spell(model.aliases)}"] if model.aliases else []
        lines += _write_pairs(model.settings)
        lines += [_NO_PRICE] if model.unpriced else []
    return "\n".join(lines) + "\n"


def _write_pairs(pairs: Mapping[str, Any]) -> list[str]:
    return [f"{spell_key(key)} = {spell(value)}" for key, value in pairs.items()]
