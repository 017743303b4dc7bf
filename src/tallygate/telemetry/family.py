"""Figures as values: a family of one name, its samples by label, and how those of several processes are added up.

Figures are whole numbers in the smallest unit (nanoseconds, nano-USD, bytes), so sums are exact; `scale` says how many
of them make one of `unit`. Names are OpenTelemetry's way, with dots; how others write them is known in `exposition`.
"""

from collections.abc import Iterable
from typing import Final, Literal

from msgspec import Struct, structs

Kind = Literal["counter", "gauge", "histogram"]

NS_PER_S: Final = 1_000_000_000
NUSD_PER_USD: Final = 1_000_000_000


class Sample(Struct, frozen=True, array_like=True):
    """One set of labels' values. `counts` are a histogram's, one for each bound and one beyond; `value` is its sum."""

    labels: tuple[str, ...]
    value: int
    counts: tuple[int, ...] = ()


class Family(Struct, frozen=True):
    """`unit` as in UCUM (`s`, `By`, `USD`); in braces what is merely counted. `bounds` are a histogram's, in `unit`."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    samples: tuple[Sample, ...] = ()
    unit: str = ""
    scale: int = 1
    bounds: tuple[float, ...] = ()


def merge(families: Iterable[Family]) -> list[Family]:
    """Each family once, with the sums of what several have under the same labels. All kinds add up: a gauge of one
    process bears its label.
    """
    merged: dict[str, Family] = {}
    for family in families:
        known = merged.get(family.name)
        merged[family.name] = family if known is None else _join(known, family)
    return list(merged.values())


def _join(known: Family, other: Family) -> Family:
    sums = {sample.labels: sample for sample in known.samples}
    for sample in other.samples:
        before = sums.get(sample.labels)
        sums[sample.labels] = sample if before is None else _add(before, sample)
    return structs.replace(known, samples=tuple(sums.values()))


def _add(one: Sample, other: Sample) -> Sample:
    counts = tuple(a + b for a, b in zip(one.counts, other.counts, strict=True))
    return Sample(one.labels, one.value + other.value, counts)
