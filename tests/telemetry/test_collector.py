"""What a collector is sent of calls: spans that hang together, the figures, and nothing that was said."""

from collections.abc import Generator
from typing import Any

import pytest
from msgspec import structs

from tallygate.telemetry.collector import Collector
from tallygate.telemetry.family import Family, Sample
from tallygate.telemetry.meter import Meter
from tallygate.telemetry.reporter import Finished
from tests.fakes.collector import KeptCollector, open_collector
from tests.telemetry.test_meter import CALL

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def kept() -> Generator[KeptCollector]:
    with open_collector() as opened:
        yield opened


def send(kept: KeptCollector, *calls: Finished) -> list[Any]:
    """The spans that come of calls."""
    collector = Collector(kept.url, "1.2.3")
    for call in calls:
        collector.trace(call)
    collector.close()
    return kept.spans()


def finish(**changes: Any) -> Finished:
    attempts = (
        structs.replace(CALL.attempts[0], began_ns=1_000_000, ended_ns=500_000_000),
        structs.replace(CALL.attempts[1], began_ns=600_000_000, ended_ns=1_900_000_000),
    )
    call = structs.replace(CALL, attempts=attempts, finish_reasons=("stop",), response_model="m-1-2026")
    return structs.replace(Finished(call, "openai_chat", "req_1", stream=True), **changes)


def read(span: Any) -> dict[str, Any]:
    """The attributes of a span."""
    found: dict[str, Any] = {}
    for pair in span.attributes:
        kind = pair.value.WhichOneof("value")
        value = getattr(pair.value, kind)
        found[pair.key] = [one.string_value for one in value.values] if kind == "array_value" else value
    return found


def test_a_call_is_a_span_with_a_child_for_each_attempt(kept: KeptCollector) -> None:
    spans = send(kept, finish())
    call = next(span for span in spans if not span.parent_span_id)
    first, second = sorted((span for span in spans if span is not call), key=lambda span: span.start_time_unix_nano)
    assert len(spans) == 3
    assert {span.trace_id for span in spans} == {call.trace_id}
    assert first.parent_span_id == second.parent_span_id == call.span_id
    assert (call.name, first.name, second.name) == ("chat m", "chat m-0", "chat m-1")
    assert call.end_time_unix_nano - call.start_time_unix_nano == 2_000_000_000
    assert first.end_time_unix_nano - call.start_time_unix_nano == 500_000_000
    assert second.start_time_unix_nano - call.start_time_unix_nano == 600_000_000
    assert (first.status.code, second.status.code, call.status.code) == (2, 0, 0)


def test_attributes_are_those_of_the_conventions(kept: KeptCollector) -> None:
    spans = send(kept, finish())
    told = read(next(span for span in spans if not span.parent_span_id))
    assert told == {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "m",
        "gen_ai.request.stream": True,
        "gen_ai.response.model": "m-1-2026",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.response.time_to_first_chunk": 0.03,
        "gen_ai.provider.name": "lab",
        "gen_ai.usage.input_tokens": 3,
        "gen_ai.usage.output_tokens": 70,
        "tallygate.call.id": "call_1",
        "tallygate.request.id": "req_1",
        "tallygate.dialect": "openai_chat",
        "tallygate.status": "ok",
    }
    failed = read(next(span for span in spans if span.name == "chat m-0"))
    assert failed == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "den",
        "gen_ai.request.model": "m-0",
        "http.response.status_code": 503,
        "error.type": "provider_unavailable",
    }


def test_a_call_belongs_to_its_clients_trace(kept: KeptCollector) -> None:
    spans = send(kept, finish(traceparent=f"00-{TRACE}-{PARENT}-01"))
    assert {span.trace_id.hex() for span in spans} == {TRACE}
    assert PARENT in {span.parent_span_id.hex() for span in spans}


@pytest.mark.parametrize("header", ["", "x", "00-0-0-00", f"00-{'0' * 32}-{PARENT}-01", "\x00" * 9, "00-" * 99_999])
def test_a_header_that_cannot_be_read_is_no_parent(kept: KeptCollector, header: str) -> None:
    assert any(not span.parent_span_id for span in send(kept, finish(traceparent=header)))


def test_figures_are_sent_as_they_are_counted(kept: KeptCollector) -> None:
    meter = Meter()
    meter.count(CALL, "openai_chat", stream=True)
    charged = Family("tallygate.charged", "counter", "", (), (Sample((), 1_500_000_000),), "USD", 10**9)
    queue = Family("tallygate.queue", "gauge", "", (), (Sample((), 7),))
    collector = Collector(kept.url, "1.2.3")
    collector.send([*meter.list_families(), charged, queue])
    collector.close()
    metrics = kept.metrics()
    (point,) = metrics["tallygate.calls"].sum.data_points
    assert point.as_int == 1
    assert {pair.key: pair.value.string_value for pair in point.attributes}["model"] == "m"
    assert metrics["tallygate.calls"].sum.is_monotonic
    (duration,) = metrics["gen_ai.client.operation.duration"].histogram.data_points
    assert (duration.count, duration.sum, len(duration.bucket_counts)) == (1, 2.0, 15)
    assert metrics["gen_ai.client.operation.duration"].unit == "s"
    assert metrics["tallygate.charged"].sum.data_points[0].as_double == 1.5
    assert metrics["tallygate.queue"].gauge.data_points[0].as_int == 7
    assert "tallygate.refusals" not in metrics, "of what never happened nothing is sent"


def test_a_collector_that_is_gone_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with open_collector() as kept:
        url = kept.url
    collector = Collector(url, "1.2.3")
    collector.trace(finish())
    collector.send(Meter().list_families())
    collector.close()
    assert "Traceback" not in caplog.text


def test_a_collector_that_refuses_stops_nothing(kept: KeptCollector) -> None:
    kept.status = 400
    assert send(kept, finish()) == []
    assert kept.asked
