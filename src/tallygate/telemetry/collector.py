"""Spans and figures for an OpenTelemetry collector (OTLP over HTTP), by OpenTelemetry's own SDK.

Loaded only where a collector is named. A call is one span of the gateway with a child for each attempt, made when the
call has ended; they carry names, numbers and codes, and never what was said. Whatever becomes of them, calls do not
notice.
"""

import os
import time
from collections.abc import Iterable, Mapping
from typing import Final, cast

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    DataT,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from tallygate.genai.outcome import Attempt, Outcome
from tallygate.telemetry import names
from tallygate.telemetry.family import NS_PER_S, Family, Sample
from tallygate.telemetry.line import neutralise
from tallygate.telemetry.meter import NAME_CHARACTERS_MAX
from tallygate.telemetry.reporter import Finished

SCOPE: Final = "tallygate"
ANSWER_S: Final = 5.0
"""How long the collector is waited for, in a thread of its own."""

TRACEPARENT_CHARACTERS_MAX: Final = 128

_CONTEXT: Final = TraceContextTextMapPropagator()


class Collector:
    """Sends to one collector. `endpoint` is its address without a path, as in OTEL_EXPORTER_OTLP_ENDPOINT."""

    def __init__(self, endpoint: str, version: str) -> None:
        base = endpoint.rstrip("/")
        named = {"service.version": version, "service.instance.id": f"{os.uname().nodename}/{os.getpid()}"}
        if "OTEL_SERVICE_NAME" not in os.environ:
            named["service.name"] = SCOPE
        self._resource = Resource.create(dict(named))
        self._scope = InstrumentationScope(SCOPE, version)
        self._began_ns = time.time_ns()
        self._provider = TracerProvider(resource=self._resource, shutdown_on_exit=False)
        spans = OTLPSpanExporter(endpoint=f"{base}/v1/traces", timeout=ANSWER_S)
        self._provider.add_span_processor(BatchSpanProcessor(spans))
        self._tracer = self._provider.get_tracer(SCOPE, version)
        self._exporter = OTLPMetricExporter(endpoint=f"{base}/v1/metrics", timeout=ANSWER_S)

    def trace(self, finished: Finished) -> None:
        """Make the spans of a call that has ended just now."""
        outcome = finished.outcome
        ended_ns = time.time_ns()
        arrived_ns = ended_ns - outcome.duration_ns
        parent = _CONTEXT.extract({"traceparent": finished.traceparent[:TRACEPARENT_CHARACTERS_MAX]})
        operation = names.name_operation(outcome.operation)
        span = self._tracer.start_span(
            f"{operation} {_show(outcome.request_model)}",
            parent,
            SpanKind.SERVER,
            attributes=_describe_call(finished),
            start_time=arrived_ns,
        )
        inside = trace.set_span_in_context(span)
        for attempt in outcome.attempts:
            made = self._tracer.start_span(
                f"{operation} {_show(attempt.target.model)}",
                inside,
                SpanKind.CLIENT,
                attributes=_describe_attempt(operation, attempt),
                start_time=arrived_ns + attempt.began_ns,
            )
            _fail(made, attempt.error_code)
            made.end(arrived_ns + attempt.ended_ns)
        _fail(span, outcome.error_code)
        span.end(ended_ns)

    def send(self, families: Iterable[Family]) -> None:
        """Send figures, and wait until they are there or are given up. Never raises; to be called in a thread."""
        metrics = [_translate(family, self._began_ns, time.time_ns()) for family in families if family.samples]
        scoped = ScopeMetrics(self._scope, metrics, "")
        data = MetricsData([ResourceMetrics(self._resource, [scoped], "")])
        self._exporter.export(data, ANSWER_S * 1_000)  # pyright: ignore[reportUnknownMemberType]

    def close(self) -> None:
        """Send the last spans, within seconds, and end the threads."""
        self._provider.force_flush(int(ANSWER_S * 1_000))
        self._provider.shutdown()
        self._exporter.shutdown(ANSWER_S * 1_000)  # pyright: ignore[reportUnknownMemberType]


def _describe_call(finished: Finished) -> Mapping[str, AttributeValue]:
    outcome = finished.outcome
    told: dict[str, AttributeValue | None] = {
        names.OPERATION: names.name_operation(outcome.operation),
        names.REQUEST_MODEL: _show(outcome.request_model),
        names.REQUEST_STREAM: finished.stream,
        names.RESPONSE_MODEL: _show(outcome.response_model) or None,
        names.PROVIDER: outcome.served.provider if outcome.served else None,
        names.FINISH_REASONS: outcome.finish_reasons or None,
        names.FIRST_CHUNK: outcome.first_chunk_ns / NS_PER_S if finished.stream and outcome.first_chunk_ns else None,
        **_describe_usage(outcome),
        "tallygate.call.id": outcome.call_id,
        "tallygate.request.id": finished.request_id,
        "tallygate.dialect": finished.dialect,
        "tallygate.status": outcome.status,
    }
    return {name: value for name, value in told.items() if value is not None}


def _describe_usage(outcome: Outcome) -> dict[str, AttributeValue | None]:
    usage = outcome.usage
    if usage is None:
        return {}
    return {
        names.INPUT_TOKENS: usage.input_tokens,
        names.OUTPUT_TOKENS: usage.output_tokens,
        names.CACHE_READ_TOKENS: usage.cached_input_tokens,
        names.CACHE_WRITE_TOKENS: usage.cache_write_tokens,
        names.REASONING_TOKENS: usage.reasoning_tokens,
    }


def _describe_attempt(operation: str, attempt: Attempt) -> Mapping[str, AttributeValue]:
    told: dict[str, AttributeValue] = {
        names.OPERATION: operation,
        names.PROVIDER: attempt.target.provider,
        names.REQUEST_MODEL: _show(attempt.target.model),
    }
    return {**told, "http.response.status_code": attempt.status} if attempt.status else told


def _fail(span: trace.Span, code: str) -> None:
    if code:
        span.set_attribute(names.ERROR_TYPE, code)
        span.set_status(Status(StatusCode.ERROR))


def _show(name: str) -> str:
    return neutralise(name, NAME_CHARACTERS_MAX)


def _translate(family: Family, began_ns: int, now_ns: int) -> Metric:
    data: DataT
    match family.kind:
        case "histogram":
            points = [_spread(family, sample, began_ns, now_ns) for sample in family.samples]
            data = Histogram(points, AggregationTemporality.CUMULATIVE)
        case "counter":
            data = Sum(_count(family, began_ns, now_ns), AggregationTemporality.CUMULATIVE, is_monotonic=True)
        case "gauge":
            data = Gauge(_count(family, began_ns, now_ns))
    return Metric(family.name, family.help, family.unit, data)


def _count(family: Family, began_ns: int, now_ns: int) -> list[NumberDataPoint]:
    return [
        NumberDataPoint(_label(family, sample), began_ns, now_ns, _scale(family, sample)) for sample in family.samples
    ]


def _spread(family: Family, sample: Sample, began_ns: int, now_ns: int) -> HistogramDataPoint:
    unknown = cast("float", None)  # the smallest and the largest are optional on the wire
    return HistogramDataPoint(
        _label(family, sample),
        began_ns,
        now_ns,
        sum(sample.counts),
        _scale(family, sample),
        sample.counts,
        family.bounds,
        unknown,
        unknown,
    )


def _scale(family: Family, sample: Sample) -> int | float:
    return sample.value if family.scale == 1 else sample.value / family.scale


def _label(family: Family, sample: Sample) -> dict[str, str]:
    return {name: value for name, value in zip(family.labels, sample.labels, strict=True) if value}
