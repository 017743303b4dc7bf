"""What a call came to, put into the usage of its answer: exactly, always, and nothing else changed."""

import msgspec
import pytest

from tallygate.dialects.openai_chat.usage import write_usage
from tallygate.dialects.openrouter.telling import tell
from tallygate.genai.reckoning import Reckoning
from tallygate.genai.usage import Usage

RECKONING = Reckoning(
    request_id="req_1",
    receipt_id="call_1",
    cost_usd="0.000000051",
    input_cost_usd="0.000000007",
    output_cost_usd="0.000000044",
    usage=Usage(7, 11),
)
COSTS = (
    b'"cost":0.000000051,"is_byok":false,"cost_details":{"upstream_inference_cost":null,'
    b'"upstream_inference_prompt_cost":0.000000007,"upstream_inference_completions_cost":0.000000044}'
)
COUNTED = b'"prompt_tokens":7,"completion_tokens":11,"total_tokens":18,'
DONE = b"data: [DONE]\n\n"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"id":"i","usage":{"prompt_tokens":1}}', b'{"id":"i","usage":{"prompt_tokens":1,%b}}' % COSTS),
        (b'{ "usage" : {"a":"}"} , "id":"i"}\n', b'{ "usage" : {"a":"}",%b} , "id":"i"}\n' % COSTS),
        (b'{"id":"i"}', b'{"id":"i","usage":{%b%b}}' % (COUNTED, COSTS)),
    ],
)
def test_a_whole_answer(body: bytes, told: bytes) -> None:
    assert tell(body, RECKONING, write_usage, stream=False) == told


@pytest.mark.parametrize(
    ("last", "told"),
    [
        (b'{"choices":[],"usage":{"prompt_tokens":1}}', b'{"choices":[],"usage":{"prompt_tokens":1,%b}}' % COSTS),
        (b'{"choices":[]}', b'{"choices":[],"usage":{%b%b}}' % (COUNTED, COSTS)),
    ],
)
def test_the_last_chunk_of_a_stream(last: bytes, told: bytes) -> None:
    before = b'data: {"choices":[{}]}\n\n'
    closing = before + b"data: " + last + b"\n\n" + DONE
    assert tell(closing, RECKONING, write_usage, stream=True) == before + b"data: " + told + b"\n\n" + DONE


def test_every_member_can_be_read() -> None:
    usage = msgspec.json.decode(tell(b'{"id":1}', RECKONING, write_usage, stream=False))["usage"]
    assert (usage["cost"], usage["is_byok"]) == (5.1e-8, False)
