"""What is told of a run when it is settled."""

import msgspec

from tallygate.dialects.run.telling import tell
from tallygate.genai.course import Course
from tallygate.genai.plan import Target
from tallygate.genai.reckoning import Reckoning
from tallygate.genai.usage import Usage

RECKONING = Reckoning(
    request_id="req_1",
    receipt_id="call_1",
    cost_usd="0.10",
    input_cost_usd="0.04",
    output_cost_usd="0.06",
    usage=Usage(7, 11),
)
COURSE = Course(request_model="m", target=Target("lab", "a/b"), ttft_ms=3, total_ms=9)
TOLD = {
    "request_id": "req_1",
    "tokens_in": 7,
    "tokens_out": 11,
    "ttft_ms": 3,
    "total_latency_ms": 9,
    "compute_passport_id": "lab/a/b",
    "runtime": "lab",
    "receipt_id": "call_1",
    "cost_usd": "0.10",
    "used_fallback": False,
}
DONE = b"data: [DONE]\n\n"


def test_a_whole_answer() -> None:
    told = msgspec.json.decode(tell(b'{"success":true,"text":"x","tokens_in":1}', RECKONING, COURSE, stream=False))
    assert told == {"success": True, "text": "x", **TOLD}


def test_the_callers_own_request_id_counts() -> None:
    told = msgspec.json.decode(tell(b'{"request_id":"r"}', RECKONING, COURSE, stream=False))
    assert told["request_id"] == "r"


def test_a_fallback_and_a_policy() -> None:
    course = msgspec.structs.replace(COURSE, failure="provider_unreachable", policy_digest="ab")
    told = msgspec.json.decode(tell(b"{}", RECKONING, course, stream=False))
    assert (told["used_fallback"], told["fallback_reason"]) == (True, "COMPUTE_MISSING_ENDPOINT")
    assert told["policy_hash"] == "ab"


def test_the_summary_of_a_stream() -> None:
    last = b'data: {"text":"","is_last":true}\n\n'
    told = tell(last + b'data: {"done":true}\n\n' + DONE, RECKONING, COURSE, stream=True)
    assert told.startswith(last)
    assert told.endswith(DONE)
    summary = told.removeprefix(last).removesuffix(DONE).removeprefix(b"data: ")
    assert msgspec.json.decode(summary) == {"done": True, **TOLD}
