"""The block `run` in an answer, or in the last chunk of its stream, and every other byte as it was."""

import msgspec
import pytest

from tallygate.dialects.openai_chat.run_block import tell_course
from tallygate.genai.course import Course
from tallygate.genai.plan import Target

COURSE = Course(request_model="m", target=Target("lab", "m1"), ttft_ms=7, total_ms=9, policy_digest="ab", ended_s=5)
BLOCK = (
    b'"run":{"run_id":"call_1","receipt_id":"call_1","compute_passport_id":"lab/m1","policy_hash":"ab","ttft_ms":7,'
    b'"trace_id":"t"}'
)
DONE = b"data: [DONE]\n\n"


def tell(closing: bytes, *, stream: bool) -> bytes:
    return tell_course(closing, "call_1", COURSE, asked=b'{"trace_id":"t"}', stream=stream)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"choices": [], "a":"}"} \n', b'{"choices": [], "a":"}",%b} \n'),
        (b"{}", b"{%b}"),
        (b'{"run":"theirs", "choices":[]}', b'{%b, "choices":[]}'),
    ],
)
def test_a_whole_answer(body: bytes, told: bytes) -> None:
    assert tell(body, stream=False) == told % BLOCK


def test_the_last_chunk_of_a_stream() -> None:
    first, last = b'data: {"choices":[1]}\n\n', b'data: {"choices":[],"usage":{"a":1}}\n\n'
    told = b'data: {"choices":[],"usage":{"a":1},%b}\n\n' % BLOCK
    assert tell(first + last + DONE, stream=True) == first + told + DONE


def test_a_stream_that_closes_without_a_chunk_gets_one() -> None:
    chunk, end = tell(DONE, stream=True).removesuffix(DONE), tell(DONE, stream=True)[-len(DONE) :]
    value = msgspec.json.decode(chunk.removeprefix(b"data: "))
    assert (value["choices"], value["model"], value["created"], value["object"]) == (
        [],
        "m",
        5,
        "chat.completion.chunk",
    )
    assert value["run"]["compute_passport_id"] == "lab/m1"
    assert end == DONE


def test_what_there_is_nothing_to_say_of_is_left_out() -> None:
    course = msgspec.structs.replace(COURSE, policy_digest="")
    told = msgspec.json.decode(tell_course(b"{}", "call_1", course, asked=b"{}", stream=False))
    assert told["run"].keys() == {"run_id", "receipt_id", "compute_passport_id", "ttft_ms"}
