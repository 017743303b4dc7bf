"""The figures as Prometheus reads them: by its own reader, in both formats."""

import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from tallygate.telemetry.exposition import write_exposition
from tallygate.telemetry.family import Family, Sample

FAMILIES = [
    Family("tallygate.calls", "counter", "Calls.", ("model",), (Sample(('m"\\n',), 3),), "{call}"),
    Family("tallygate.charged", "counter", "Money.", (), (Sample((), 1_500_000_000),), "USD", 10**9),
    Family("tallygate.process.memory", "gauge", "Memory.", ("worker",), (Sample(("7",), 1 << 20),), "By"),
    Family(
        "gen_ai.time", "histogram", "Time.", ("a.b",), (Sample(("x",), 2 * 10**9, (1, 0, 2)),), "s", 10**9, (0.5, 1.0)
    ),
]
OPEN = "application/openmetrics-text; version=1.0.0"


@pytest.mark.parametrize("accept", ["", "text/plain", OPEN])
def test_names_units_and_values(accept: str) -> None:
    body, content_type = write_exposition(FAMILIES, accept)
    assert content_type.startswith("application/openmetrics-text" if accept == OPEN else "text/plain")
    read = openmetrics.text_string_to_metric_families if accept == OPEN else text_string_to_metric_families
    samples = {(one.name, *one.labels.items()): one.value for family in read(body.decode()) for one in family.samples}
    assert samples[("tallygate_calls_total", ("model", 'm"\\n'))] == 3
    assert samples[("tallygate_charged_usd_total",)] == 1.5
    assert samples[("tallygate_process_memory_bytes", ("worker", "7"))] == 1 << 20
    assert samples[("gen_ai_time_seconds_bucket", ("a_b", "x"), ("le", "1.0"))] == 1
    assert samples[("gen_ai_time_seconds_bucket", ("a_b", "x"), ("le", "+Inf"))] == 3
    assert samples[("gen_ai_time_seconds_sum", ("a_b", "x"))] == 2
