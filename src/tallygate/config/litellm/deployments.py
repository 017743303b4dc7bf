"""``model_list``: each entry as one deployment, every key of it accounted for.

Source: docs.litellm.ai/docs/proxy/configs and /docs/proxy/config_settings. What deployments of one name make together
is put into words in `models`.
"""

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Final

import msgspec
from msgspec import Struct, field

from tallygate.config.litellm.advice import MODEL_INFO, PARAMS
from tallygate.config.litellm.nodes import Node
from tallygate.config.litellm.providers import Origin, Place, Unplaceable, find_origin, find_place
from tallygate.config.litellm.report import Report
from tallygate.ledger.litellm import read_prices
from tallygate.ledger.prices import Price

FROM_ENVIRON: Final = "os.environ/"
SERVED_MODES: Final = frozenset({"chat", "completion", "responses", "embedding"})
WEIGHTS: Final = ("weight", "rpm", "tpm")
"""What LiteLLM takes a deployment's share of the calls from, the first that is there."""

_NO_KEYS: Final = frozenset({"", "none", "null", "empty", "dummy", "fake", "fake-key", "no-key", "not-needed", "na"})
_CAPABILITIES: Final = {
    "supports_vision": "vision",
    "supports_audio_input": "audio",
    "supports_pdf_input": "pdf",
    "supports_function_calling": "tools",
    "supports_response_schema": "json_schema",
    "supports_reasoning": "reasoning",
}
_NUMBER: Final = re.compile(r"\d{1,12}(\.\d{1,6})?\Z")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_SECRET: Final = re.compile(r"(?i)auth|key|token|secret|cookie|password")


class Deployment(Struct, kw_only=True):
    """One entry of the list that can be called here, with everything that its model and its provider need."""

    name: str
    key: str
    line: int
    origin: Origin
    place: Place
    timeouts: dict[str, int] = field(default_factory=dict[str, int])
    concurrency: int | None = None
    shares: dict[str, Fraction] = field(default_factory=dict[str, Fraction])
    order: int | None = None
    base_model: str = ""
    capabilities: dict[str, bool] = field(default_factory=dict[str, bool])
    price: Price | None = None


class _Cost(Struct, frozen=True):
    """A price as it stands in the file, and where."""

    where: str
    line: int
    text: str


class _Entry:
    """An entry while it is read."""

    def __init__(self, key: str, report: Report) -> None:
        self.key = key
        self.report = report
        self.headers: dict[str, str] = {}
        self.timeouts: dict[str, int] = {}
        self.concurrency: int | None = None
        self.shares: dict[str, Fraction] = {}
        self.costs: dict[str, _Cost] = {}
        self.capabilities: dict[str, bool] = {}
        self.order: int | None = None
        self.base_model = ""
        self.refusal = ""


class DeploymentReader:
    """Reads entries one after the other. `environ` is asked for addresses only, never for a key's value."""

    def __init__(self, report: Report, environ: Mapping[str, str]) -> None:
        self._report = report
        self._environ = environ
        self._literals: dict[str, str] = {}

    def read(self, node: Node) -> list[Deployment]:
        """Those that can be called here."""
        found = [self._read_entry(item, f"model_list[{at}]") for at, item in enumerate(node.items or ())]
        return [one for one in found if one is not None]

    def _read_entry(self, node: Node, key: str) -> Deployment | None:
        report, entry = self._report, _Entry(key, self._report)
        params, info = node.get("litellm_params"), node.get("model_info")
        name, model = node.get("model_name"), params.get("model") if params else None
        if name is None or not name.is_scalar or model is None or not model.is_scalar or params is None:
            report.leave(node.line, key, "it needs a model_name, and litellm_params with a model", is_loss=True)
            return None
        for pair in node.pairs or ():
            if pair.key not in ("model_name", "litellm_params", "model_info"):
                report.leave(pair.line, f"{key}.{pair.key}", "not known here")
        for pair in (info.pairs if info else None) or ():
            self._read_info(entry, f"{key}.model_info.{pair.key}", pair.key, pair.line, pair.value)
        for pair in params.pairs or ():
            if pair.key not in ("model", "api_base", "base_url", "api_key", "custom_llm_provider"):
                self._read_param(entry, f"{key}.litellm_params.{pair.key}", pair.key, pair.line, pair.value)
        return self._place(entry, name, model, params)

    def _place(self, entry: _Entry, name: Node, model: Node, params: Node) -> Deployment | None:
        """Where it is served, once everything about it is known."""
        key, report = f"{entry.key}.litellm_params", self._report
        custom = params.get("custom_llm_provider")
        try:
            if entry.refusal:
                raise Unplaceable(entry.refusal)
            if "*" in name.text or "*" in model.text:
                raise Unplaceable(
                    "patterns are not models; any model can be called as provider/model once it has a key"
                )
            origin = find_origin(model.text, custom.text if custom else "")
            place = self._read_key(find_place(origin, self._read_base(params)), f"{key}.api_key", params)
        except Unplaceable as refusal:
            self._leave_whole(entry, name, params, str(refusal))
            return None
        self._tell_base(key, params)
        if custom:
            report.take(custom.line, f"{key}.custom_llm_provider", "as part of the target")
        if entry.headers:
            place = _set(place, headers=entry.headers)
        deployment = Deployment(
            name=name.text,
            key=entry.key,
            line=model.line,
            origin=origin,
            place=place,
            timeouts=entry.timeouts,
            concurrency=entry.concurrency,
            shares=entry.shares,
            order=entry.order,
            base_model=entry.base_model,
            capabilities=entry.capabilities,
            price=self._read_price(entry),
        )
        report.take(name.line, f"{entry.key}.model_name", f"the name that clients call: [models] {name.text}")
        return deployment

    def _leave_whole(self, entry: _Entry, name: Node, params: Node, why: str) -> None:
        report = self._report
        report.leave(name.line, f"{entry.key}.model_name", f"the model is not carried over: {why}", is_loss=True)
        for pair in params.pairs or ():
            if pair.key in ("model", "api_base", "base_url", "api_key", "custom_llm_provider"):
                report.leave(pair.line, f"{entry.key}.litellm_params.{pair.key}", "with its model")
        for cost in entry.costs.values():
            report.leave(cost.line, cost.where, "with its model")

    def _read_base(self, params: Node) -> str:
        """The address; the empty one where none is given. Raises Unplaceable."""
        node = params.get("api_base") or params.get("base_url")
        if node is None or node.is_null:
            return ""
        if not node.text.startswith(FROM_ENVIRON):
            return node.text
        variable = node.text.removeprefix(FROM_ENVIRON)
        if value := self._environ.get(variable, ""):
            return value
        raise Unplaceable(f"its address is in {variable}, which is not set here: set it and import again")

    def _tell_base(self, key: str, params: Node) -> None:
        for spelled in ("api_base", "base_url"):
            node = params.get(spelled)
            if node is None:
                continue
            if node.text.startswith(FROM_ENVIRON):
                variable = node.text.removeprefix(FROM_ENVIRON)
                self._report.change(
                    node.line, f"{key}.{spelled}", f"as base_url, the address that {variable} holds now"
                )
            else:
                self._report.take(node.line, f"{key}.{spelled}", "as the provider's base_url")

    def _read_key(self, place: Place, key: str, params: Node) -> Place:
        """The place with the variable of its key. A key itself is never carried over."""
        node = params.get("api_key")
        report, usual = self._report, place.key_env
        if node is None or node.is_null:
            return self._use_usual_key(place)
        if node.text.startswith(FROM_ENVIRON):
            variable = node.text.removeprefix(FROM_ENVIRON)
            if not _VARIABLE.match(variable):
                raise Unplaceable("its api_key names no variable")
            report.take(node.line, key, f"from the variable {variable}")
        elif node.text.lower() in _NO_KEYS:
            report.change(node.line, key, "no key is sent")
            return _set(place, auth="none") if not place.row else place
        else:
            variable = self._name_literal(node.text, usual or _name_variable(place.name))
            report.change(node.line, key, f"keys do not belong into a file: set the variable {variable}")
        report.need(variable, f"the key of {place.name}")
        return place if place.is_row and variable == usual else _set(place, api_key_env=variable)

    def _use_usual_key(self, place: Place) -> Place:
        if place.is_row and not place.needs_key:
            return place
        if not place.key_env:
            return place if place.row else _set(place, auth="none")
        self._report.need(place.key_env, f"the key of {place.name}")
        return place if place.is_row else _set(place, api_key_env=place.key_env)

    def _name_literal(self, literal: str, wish: str) -> str:
        """The variable for a key that stands in the file: one for each, whatever provider asks for it."""
        if literal not in self._literals:
            taken = set(self._literals.values())
            names = (wish, *(f"{wish}_{number}" for number in range(2, len(taken) + 3)))
            self._literals[literal] = next(name for name in names if name not in taken)
        return self._literals[literal]

    def _read_price(self, entry: _Entry) -> Price | None:
        """The price that the entry gives its calls. What of it cannot be had is told where it stands."""
        if not entry.costs:
            return None
        row = {key: cost.text for key, cost in entry.costs.items()}
        imported = read_prices(msgspec.json.encode({"it": row}))
        notes = [note.removeprefix("it: ") for note in imported.notes]
        for key, cost in entry.costs.items():
            if note := next((note for note in notes if note.partition(" ")[0] == key), ""):
                self._report.leave(cost.line, cost.where, note, is_loss=True)
            else:
                self._report.take(cost.line, cost.where, "as part of the model's price")
        return imported.prices[0] if imported.prices else None

    def _read_info(self, entry: _Entry, where: str, key: str, line: int, value: Node) -> None:
        report = self._report
        if "_cost" in key and value.is_scalar:
            _read_cost(entry, where, key, line, value)
        elif key == "base_model" and value.is_scalar:
            entry.base_model = value.text
            report.take(line, where, "its list price, where no other is given")
        elif key == "mode":
            if value.text in SERVED_MODES:
                report.take(line, where, "what can be asked follows from the provider")
            else:
                entry.refusal = f"the mode {value.text[:40]} is not served here"
                report.leave(line, where, entry.refusal)
        elif key in _CAPABILITIES and value.flag is not None:
            entry.capabilities[_CAPABILITIES[key]] = value.flag
            report.take(line, where, f"as the model's capability {_CAPABILITIES[key]}")
        else:
            report.leave(line, where, MODEL_INFO.get(key, "not known here"))

    def _read_param(self, entry: _Entry, where: str, key: str, line: int, value: Node) -> None:
        if "_cost" in key and value.is_scalar:
            _read_cost(entry, where, key, line, value)
        elif (read := _READERS.get(key)) and not value.is_null:
            read(entry, where, line, value)
        elif key.startswith(("aws_", "vertex_", "watsonx_")):
            self._report.leave(line, where, "sign-in of a cloud is not done here")
        else:
            self._report.leave(line, where, PARAMS.get(key, "not known here; what a call shall have, clients send"))


def _name_variable(provider: str) -> str:
    """A variable for a provider's key. One that is named after an address must not begin with a digit."""
    name = re.sub(r"[^A-Z0-9]", "_", provider.upper())
    return f"{'HOST_' if name[0].isdecimal() else ''}{name}_API_KEY"


def _set(place: Place, **settings: object) -> Place:
    return msgspec.structs.replace(place, settings=(*place.settings, *settings.items()), is_row=False)


def _read_cost(entry: _Entry, where: str, key: str, line: int, value: Node) -> None:
    entry.costs[key] = _Cost(where, line, value.text)


def _read_share(key: str) -> Callable[[_Entry, str, int, Node], None]:
    def read(entry: _Entry, where: str, line: int, value: Node) -> None:
        if not value.is_scalar or not _NUMBER.match(value.text):
            entry.report.leave(line, where, "it is not a number")
            return
        entry.shares[key] = Fraction(value.text)
        if key == "weight":
            entry.report.take(line, where, "as the target's weight")
        else:
            text = "as the target's weight, where they are drawn by weight; limits belong to keys, users and workspaces"
            entry.report.change(line, where, text)

    return read


def _read_order(entry: _Entry, where: str, line: int, value: Node) -> None:
    if value.is_scalar and value.text.isdecimal() and len(value.text) < 10:
        entry.order = int(value.text)
        entry.report.take(line, where, "as the order of the targets")
    else:
        entry.report.leave(line, where, "it is not a number")


def _read_timeout(setting: str) -> Callable[[_Entry, str, int, Node], None]:
    def read(entry: _Entry, where: str, line: int, value: Node) -> None:
        milliseconds = read_milliseconds(value)
        if milliseconds is None:
            entry.report.leave(line, where, "it is not a number of seconds")
            return
        entry.timeouts[setting] = milliseconds
        entry.report.change(
            line, where, f"as timeouts.{setting} of its provider, the longest that a model there is given"
        )

    return read


def _read_concurrency(entry: _Entry, where: str, line: int, value: Node) -> None:
    if value.text.isdecimal() and 0 < int(value.text[:12]) <= 1_000_000:
        entry.concurrency = int(value.text)
        text = "as the provider's concurrency, with that of other models there; each worker counts for itself"
        entry.report.change(line, where, text)
    else:
        entry.report.leave(line, where, "it is not a number of calls")


def _read_organization(entry: _Entry, where: str, line: int, value: Node) -> None:
    if value.text.startswith(FROM_ENVIRON):
        entry.report.leave(line, where, 'headers are written out: headers = { OpenAI-Organization = "..." }')
        return
    entry.headers["OpenAI-Organization"] = value.text
    entry.report.take(line, where, "as a header of the provider")


def _read_headers(entry: _Entry, where: str, line: int, value: Node) -> None:
    for pair in value.pairs or ():
        here = f"{where}.{pair.key}"
        if _SECRET.search(pair.key) or not pair.value.is_scalar or pair.value.text.startswith(FROM_ENVIRON):
            entry.report.leave(pair.line, here, "it may hold a secret; keys are named by api_key_env")
        else:
            entry.headers[pair.key] = pair.value.text
            entry.report.take(pair.line, here, "as a header of the provider")
    if value.pairs is None:
        entry.report.leave(line, where, "it is not a table of headers")


def read_milliseconds(value: Node) -> int | None:
    """A number of seconds in milliseconds; None for anything else, and for what is too much or nothing."""
    if not value.is_scalar or not _NUMBER.match(value.text):
        return None
    milliseconds = int(Fraction(value.text) * 1000)
    return milliseconds if 1 <= milliseconds <= 86_400_000 else None


_READERS: Final[Mapping[str, Callable[[_Entry, str, int, Node], None]]] = {
    **{key: _read_share(key) for key in WEIGHTS},
    "order": _read_order,
    "timeout": _read_timeout("total_ms"),
    "stream_timeout": _read_timeout("first_byte_ms"),
    "max_parallel_requests": _read_concurrency,
    "organization": _read_organization,
    "extra_headers": _read_headers,
    "headers": _read_headers,
}
