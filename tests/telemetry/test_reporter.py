"""Whoever wants to hear of calls hears of each once, and nobody stops one."""

from tallygate.genai.outcome import Outcome
from tallygate.telemetry.reporter import Finished, Reporter

FINISHED = Finished(Outcome(call_id="call_1", operation="chat", status="ok", request_model="m"), "openai_chat")


def test_a_call_is_told_once_to_each() -> None:
    heard: list[Finished] = []
    reporter = Reporter(heard.append)
    reporter.tell(FINISHED)
    reporter.refuse("not_found")
    assert heard == [FINISHED]
    counted = {family.name: family.samples for family in reporter.meter.list_families()}
    assert [sample.value for sample in counted["tallygate.calls"]] == [1]
    assert [sample.value for sample in counted["tallygate.refusals"]] == [1]


def test_who_breaks_while_hearing_stops_nothing() -> None:
    def break_(_: Finished) -> None:
        raise OSError

    Reporter(break_).tell(FINISHED)
