"""The story of a call as text: read as it was written, and short."""

from tallygate.genai.details import Details, Tried, read_details, write_details

PLAIN = Details(
    request_id="r", operation="chat", dialect="d", status="ok", request_model="m", usage_source="counted", duration_ms=5
)


def test_a_story_is_read_as_it_was_written() -> None:
    told = Details(
        request_id="r",
        operation="chat",
        dialect="d",
        stream=True,
        status="partial",
        request_model="m",
        response_model="m-1",
        provider="lab",
        model="m",
        usage={"input_tokens": 1},
        usage_source="provider",
        finish_reasons=("stop",),
        attempts=(Tried("lab", "m", 502, "stream_broken"),),
        dropped=("seed",),
        error_code="stream_broken",
        first_chunk_ms=0,
        duration_ms=7,
    )
    assert read_details(write_details(told)) == told
    assert read_details(write_details(PLAIN)) == PLAIN


def test_what_is_not_there_takes_no_room() -> None:
    assert write_details(PLAIN) == (
        '{"request_id":"r","operation":"chat","dialect":"d","status":"ok","request_model":"m",'
        '"usage_source":"counted","duration_ms":5}'
    )


def test_a_call_that_could_not_tell_has_no_story() -> None:
    assert read_details("") is None
