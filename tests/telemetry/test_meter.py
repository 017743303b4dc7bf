"""What is counted of calls: everything once, exactly, and never without end."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tallygate.genai.outcome import Attempt, Outcome
from tallygate.genai.plan import Target
from tallygate.genai.usage import Usage
from tallygate.telemetry import names
from tallygate.telemetry.family import Family, Sample
from tallygate.telemetry.meter import OTHER, Meter

CALL = Outcome(
    call_id="call_1",
    operation="chat",
    status="ok",
    request_model="m",
    sent=True,
    served=Target("lab", "m-1"),
    usage=Usage(input_tokens=3, output_tokens=70),
    attempts=(
        Attempt(Target("den", "m-0"), 503, "provider_unavailable"),
        Attempt(Target("lab", "m-1"), 200),
    ),
    first_chunk_ns=30_000_000,
    duration_ns=2_000_000_000,
)


def find(meter: Meter, name: str) -> Family:
    (family,) = [family for family in meter.list_families() if family.name == name]
    return family


def test_a_call_is_counted_by_what_it_was() -> None:
    meter = Meter()
    meter.count(CALL, "openai_chat", stream=True)
    meter.count(CALL, "openai_chat", stream=False)
    labels = ("chat", "ok", "openai_chat", "lab", "m", "")
    assert find(meter, "tallygate.calls").samples == (Sample(labels, 2),)
    assert set(find(meter, "tallygate.attempts").samples) == {
        Sample(("den", "m-0", "provider_unavailable"), 2),
        Sample(("lab", "m-1", ""), 2),
    }


def test_times_and_tokens_fall_into_the_bounds_of_the_conventions() -> None:
    meter = Meter()
    meter.count(CALL, "openai_chat", stream=True)
    (duration,) = find(meter, names.DURATION).samples
    assert (duration.value, duration.counts[8], sum(duration.counts)) == (2_000_000_000, 1, 1)
    (first,) = find(meter, names.TIME_TO_FIRST_CHUNK).samples
    assert (first.labels, first.counts[2]) == (("chat", "lab", "m", ""), 1)
    tokens = {sample.labels[3]: sample for sample in find(meter, names.USAGE).samples}
    assert (tokens["input"].value, tokens["output"].value) == (3, 70)
    assert tokens["input"].counts[1] == tokens["output"].counts[4] == 1


def test_what_is_no_stream_has_no_first_chunk() -> None:
    meter = Meter()
    meter.count(CALL, "openai_chat", stream=False)
    assert not find(meter, names.TIME_TO_FIRST_CHUNK).samples


def test_dialects_are_one_to_the_conventions() -> None:
    meter = Meter()
    for dialect in ("openai_chat", "anthropic_messages"):
        meter.count(structs.replace(CALL, operation="embed"), dialect, stream=False)
    (duration,) = find(meter, names.DURATION).samples
    assert (duration.labels, sum(duration.counts)) == (("embeddings", "lab", "m", ""), 2)


def test_refusals_are_counted_by_code() -> None:
    meter = Meter()
    for code in ("invalid_api_key", "insufficient_credits", "invalid_api_key"):
        meter.refuse(code)
    assert set(find(meter, "tallygate.refusals").samples) == {
        Sample(("invalid_api_key",), 2),
        Sample(("insufficient_credits",), 1),
    }


@given(st.lists(st.text(max_size=8), min_size=1, max_size=60))
def test_made_up_names_make_no_series_without_end(models: list[str]) -> None:
    meter = Meter(series_max=10)
    for model in models:
        target = Target("lab", model)
        call = structs.replace(CALL, request_model=model, attempts=(Attempt(target, 200),), served=target)
        meter.count(call, "openai_chat", stream=True)
    for name in ("tallygate.calls", "tallygate.attempts"):
        family = find(meter, name)
        assert sum(sample.value for sample in family.samples) == len(models)
        assert len({sample.labels for sample in family.samples}) <= 11
    if len(set(models)) > 10:
        assert any(sample.labels[4] == OTHER for sample in find(meter, "tallygate.calls").samples)


def test_a_name_with_an_escape_sequence_is_shown_plainly() -> None:
    meter = Meter()
    meter.count(structs.replace(CALL, request_model="m\x1b[31m\n"), "openai_chat", stream=False)
    (sample,) = find(meter, "tallygate.calls").samples
    assert sample.labels[4] == "m\\x1b[31m\\n"
