"""The prices a worker holds in memory: what a call costs now, from all who say so.

The strongest says first: an operator's row in the database, then the configuration, then the list that ships with the
gateway; engines on this machine and models to test with are free. Pure: no clock, no database. A list never changes, a
new row makes a new list.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, Protocol, cast

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tallygate.errors import Unpriced
from tallygate.genai.plan import Target
from tallygate.genai.price_row import PriceKind, PriceRow
from tallygate.ledger.catalogue import Catalogue
from tallygate.ledger.dearest import take_dearest
from tallygate.ledger.price_rows import read_row, write_row
from tallygate.ledger.prices import Price, price_free
from tallygate.ledger.terms import Terms, read_price

Source = Literal["set", "configured", "list", "local", "dearest"]
"""Who says it: an operator's row, the configuration, the shipped list, nobody because it runs here, or the dearest of
several targets' prices."""

_MEMO_MAX: Final = 4_096
"""Names of models come from callers, so what is remembered of them must have an end."""

_ALWAYS_NS: Final = -(2**63)
_NEVER_NS: Final = 2**63


class Version(Struct, frozen=True):
    """A price, the name of its version, and who says it."""

    price: Price
    name: str
    source: Source


class Declared(Protocol):
    """What a configuration says of one model; the settings of the router say it so."""

    @property
    def targets(self) -> Sequence[str]:
        """``provider/model``, in order."""
        ...

    @property
    def aliases(self) -> Sequence[str]:
        """Other names of the model, at the same price."""
        ...

    @property
    def price(self) -> object:
        """Terms, or None."""
        ...


class _Answer(Struct, frozen=True):
    """A version, None if there is none, and the time for which it is the answer: from `since_ns` up to, but not at,
    `until_ns`.
    """

    version: Version | None
    since_ns: int
    until_ns: int


class PriceList:
    """Every price that is known. Raises ValueError, naming the model, for configured terms that are no price.

    `free_providers` are names of providers whose calls nobody bills. A price in a row wins over all other prices of its
    kind and name from the moment it is in force; `seq` is the number of the last row.
    """

    __slots__ = (
        "_aliases",
        "_catalogue",
        "_configured",
        "_costs",
        "_free",
        "_models",
        "_rows",
        "_sales",
        "_terms",
        "seq",
    )

    def __init__(
        self,
        catalogue: Catalogue,
        models: Mapping[str, Declared] | None = None,
        free_providers: Iterable[str] = (),
        rows: Iterable[PriceRow] = (),
    ) -> None:
        self._catalogue = catalogue
        self._models: Mapping[str, Declared] = models or {}
        self._free = frozenset(free_providers)
        self._aliases = {alias: name for name, model in self._models.items() for alias in model.aliases}
        self._configured: dict[str, Version] = {}
        self._terms: dict[str, tuple[Terms, str]] = {}
        for name, model in self._models.items():
            if model.price is not None:
                self._configure(name, read_terms(model.price), model.targets[0] if model.targets else "")
        self._rows: dict[tuple[PriceKind, str], tuple[PriceRow, ...]] = {}
        self.seq = 0
        for row in rows:
            self._rows[row.kind, row.name] = (*self._rows.get((row.kind, row.name), ()), row)
            self.seq = max(self.seq, row.seq)
        self._sales: dict[tuple[str, tuple[Target, ...]], _Answer] = {}
        self._costs: dict[Target, _Answer] = {}

    def with_rows(self, rows: Iterable[PriceRow]) -> "PriceList":
        """This list and more rows, which were set later."""
        known = (row for versions in self._rows.values() for row in versions)
        return PriceList(self._catalogue, self._models, self._free, (*known, *rows))

    def _configure(self, name: str, terms: Terms, target: str) -> None:
        try:
            price = try_terms(name, terms)
        except ValueError as error:
            raise ValueError(f"models.{name}.price: {error}") from None
        if is_lone_factor(terms):
            self._terms[name] = (terms, target)
        else:
            self._configured[name] = _name(price, "configured")

    def sale(self, request_model: str, targets: tuple[Target, ...], at_ns: int) -> Version:
        """What a wallet pays for a call of `request_model`, whichever of the targets serves it.

        Where nobody set a price for the name: that of the one target, or for each kind the dearest of all. Raises
        Unpriced if any of them has none.
        """
        answer = self._sales.get((request_model, targets))
        if answer is None or not answer.since_ns <= at_ns < answer.until_ns:
            starts: list[int] = []
            version = self._find_sale(request_model, targets, at_ns, starts)
            answer = _remember(self._sales, (request_model, targets), version, at_ns, starts)
        assert answer.version is not None, "a sale without a price is refused, not remembered"
        return answer.version

    def cost(self, target: Target, at_ns: int) -> Version | None:
        """What the house owes for a call served by `target`. None: nobody knows."""
        answer = self._costs.get(target)
        if answer is None or not answer.since_ns <= at_ns < answer.until_ns:
            starts: list[int] = []
            version = self._find_cost(target, at_ns, starts)
            answer = _remember(self._costs, target, version, at_ns, starts)
        return answer.version

    def versions(self, kind: PriceKind, name: str) -> tuple[Version, ...]:
        """Everything that is said of one name, the strongest first, each source's versions from the first to the last.

        Without what `sale` makes of the targets' prices, and without a lone factor.
        """
        said = self._read_rows(kind, name)
        if kind == "sale":
            configured = self._configured.get(self._aliases.get(name, name))
            return said if configured is None else (*said, configured)
        return (*said, *self._list(name))

    def names(self, kind: PriceKind) -> frozenset[str]:
        """The names that an operator's rows price."""
        return frozenset(name for known, name in self._rows if known == kind)

    # `starts` gathers every moment at which what is looked at begins: between two of them the answer stays.

    def _find_sale(self, request_model: str, targets: tuple[Target, ...], at_ns: int, starts: list[int]) -> Version:
        name = self._aliases.get(request_model, request_model)
        for known in dict.fromkeys((request_model, name)):
            if version := _find_current(self._read_rows("sale", known), at_ns, starts):
                return version
        if name in self._configured:
            return self._configured[name]
        if name in self._terms:
            return self._multiply(name, at_ns, starts)
        costs = [self._find_cost(target, at_ns, starts) for target in targets]
        if not costs or None in costs:
            raise Unpriced(param="model")
        return _derive(name, cast("list[Version]", costs))

    def _multiply(self, name: str, at_ns: int, starts: list[int]) -> Version:
        """The price of a model whose configuration names a factor alone."""
        terms, target = self._terms[name]
        provider, _, model = target.partition("/")
        listed = self._find_cost(Target(provider, model), at_ns, starts)
        if listed is None:
            raise Unpriced(param="model")
        start_ns = listed.price.effective_from_ns
        price = read_price("sale", name, terms, listed=listed.price, effective_from_ns=start_ns)
        return _name(price, "configured")

    def _find_cost(self, target: Target, at_ns: int, starts: list[int]) -> Version | None:
        name = str(target)
        if version := _find_current(self._read_rows("cost", name), at_ns, starts):
            return version
        if target.provider in self._free:
            return _name(price_free("cost", name), "local")
        return _find_current(self._list(name), at_ns, starts)

    def _read_rows(self, kind: PriceKind, name: str) -> tuple[Version, ...]:
        """What an operator set, in the order it begins. Of two that begin together the one set later counts."""
        rows = sorted(self._rows.get((kind, name), ()), key=lambda row: row.effective_from_ns)
        return tuple(Version(read_row(row), row.version, "set") for row in rows)

    def _list(self, name: str) -> tuple[Version, ...]:
        return tuple(_name(price, "list") for price in self._catalogue.list_costs(name))


def read_terms(price: object) -> Terms:
    """The terms that a configuration's settings hold."""
    return cast("Terms", msgspec.to_builtins(price))


def try_terms(name: str, terms: Terms) -> Price:
    """The sale price that terms make. Raises ValueError if they are none.

    A lone factor is tried on some price: which one it multiplies may change with time.
    """
    return read_price("sale", name, terms, listed=price_free("sale", name))


def is_lone_factor(terms: Terms) -> bool:
    """Whether terms say nothing but what a list price is multiplied by."""
    return not isinstance(terms, str) and {key for key, value in terms.items() if value} == {"factor"}


def _name(price: Price, source: Source) -> Version:
    """A price as whoever reads it on record will find it."""
    row = write_row(price)
    return Version(read_row(row), row.version, source)


def _start(version: Version) -> int:
    return version.price.effective_from_ns


def _find_current(versions: Sequence[Version], at_ns: int, starts: list[int]) -> Version | None:
    """The last version that has begun. `versions` are in the order they begin."""
    starts += map(_start, versions)
    return next((version for version in reversed(versions) if _start(version) <= at_ns), None)


def _derive(name: str, costs: Sequence[Version]) -> Version:
    """A sale price made of what the targets cost: never below any of them."""
    if len(costs) == 1:
        price = replace(costs[0].price, kind="sale", name=name)
        return _name(price, costs[0].source)
    price = take_dearest("sale", name, [cost.price for cost in costs])
    return _name(price, "dearest")


def _remember(
    memo: "dict[Any, _Answer]", key: Any, version: Version | None, at_ns: int, starts: Sequence[int]
) -> _Answer:
    """Keep an answer for as long as nothing it was made of begins anew."""
    since_ns = max((start for start in starts if start <= at_ns), default=_ALWAYS_NS)
    until_ns = min((start for start in starts if start > at_ns), default=_NEVER_NS)
    if len(memo) >= _MEMO_MAX:
        memo.clear()
    answer = memo[key] = _Answer(version, since_ns, until_ns)
    return answer
