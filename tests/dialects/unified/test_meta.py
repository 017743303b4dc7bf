"""What an answer tells of itself, put in place: into an envelope, or the last chunk of a stream."""

import pytest

from tallygate.dialects.unified.meta import tell_meta

FACTS = {"request_id": "req_1", "cost_usd": "0.10"}
TOLD = b'{"request_id":"req_1","cost_usd":"0.10"}'
DONE = b"data: [DONE]\n\n"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"status":"ok","data":{},"meta":{}}', b'{"status":"ok","data":{},"meta":%b}'),
        (b'{ "meta" :{"a":"theirs"}, "data":{"meta":1}}\n', b'{ "meta" :%b, "data":{"meta":1}}\n'),
        (b'{"data":{"a":"}"}}  ', b'{"data":{"a":"}"},"meta":%b}  '),
        (b"{}", b'{"meta":%b}'),
    ],
)
def test_an_envelope_has_the_facts_and_every_other_byte_as_it_was(body: bytes, told: bytes) -> None:
    assert tell_meta(body, FACTS, stream=False) == told % TOLD


def test_the_last_chunk_of_a_stream_has_them() -> None:
    chunk, told = b'data: {"choices":[{"a":"}"}]}\n\n', b'data: {"choices":[{"a":"}"}],"meta":%b}\n\n' % TOLD
    assert tell_meta(chunk + chunk + DONE, FACTS, stream=True) == chunk + told + DONE


def test_a_stream_without_a_chunk_stays_as_it_was() -> None:
    failed = b'event: error\ndata: {"code":"BACKEND_ERROR"}\n\n' + DONE
    for closing in (b"", DONE, b": a comment\n\n" + DONE, failed, b'data: {"a":\ndata: 1}\n\n' + DONE):
        assert tell_meta(closing, FACTS, stream=True) == closing
