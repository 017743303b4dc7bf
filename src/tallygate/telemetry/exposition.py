"""Figures in the formats that Prometheus reads, old and new (OpenMetrics), by its own library.

Names become what OpenTelemetry's rules for Prometheus make of them: underscores for dots, the unit and `total` at the
end. Brings the library along, so it is imported by the first who asks.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from tallygate.telemetry.family import Family, Sample

_UNITS: Final[Mapping[str, str]] = MappingProxyType({"s": "_seconds", "By": "_bytes", "USD": "_usd"})


def write_exposition(families: Iterable[Family], accept: str) -> tuple[bytes, str]:
    """All families as text in the format that `accept` asks for, and its content type."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Given(families))
    encoder, content_type = choose_encoder(accept)
    return encoder(registry), content_type


def name_metric(family: Family) -> str:
    """A family's name as Prometheus has it, without the `_total` of a counter."""
    return family.name.replace(".", "_") + _UNITS.get(family.unit, "")


class _Given(Collector):
    """The families as the library wants them handed over."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        return map(_translate, self._families)


def _translate(family: Family) -> Metric:
    name, labels = name_metric(family), [label.replace(".", "_") for label in family.labels]
    match family.kind:
        case "counter":
            counter = CounterMetricFamily(name, family.help, labels=labels)
            for sample in family.samples:
                counter.add_metric(sample.labels, sample.value / family.scale)
            return counter
        case "gauge":
            gauge = GaugeMetricFamily(name, family.help, labels=labels)
            for sample in family.samples:
                gauge.add_metric(sample.labels, sample.value / family.scale)
            return gauge
        case "histogram":
            histogram = HistogramMetricFamily(name, family.help, labels=labels)
            for sample in family.samples:
                histogram.add_metric(sample.labels, _add_up(family.bounds, sample), sample.value / family.scale)
            return histogram


def _add_up(bounds: Sequence[float], sample: Sample) -> list[tuple[str, float]]:
    """How many values are at or below each bound."""
    reached = 0
    buckets: list[tuple[str, float]] = []
    for bound, count in zip((*map(_show_bound, bounds), "+Inf"), sample.counts, strict=True):
        reached += count
        buckets.append((bound, float(reached)))
    return buckets


def _show_bound(bound: float) -> str:
    return repr(float(bound))
