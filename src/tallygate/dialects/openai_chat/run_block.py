"""How an answer came about, in a member `run` of the answer, or of the last chunk of its stream; every other byte as it
was. A stream that closes without a chunk gets one of its own, without choices, as a usage chunk has none.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from tallygate.dialects.last_chunk import patch_last
from tallygate.dialects.openai_chat.own import find_trace
from tallygate.dialects.openai_chat.receipt import put_before_end
from tallygate.dialects.patches import Patch, apply
from tallygate.dialects.scan import list_members
from tallygate.dialects.sse import encode
from tallygate.genai.course import Course

_BLOCK: Final = "run"


def tell_course(closing: bytes, receipt_id: str, course: Course, *, asked: bytes, stream: bool) -> bytes:
    """A whole answer, or the end of a stream, with the block. `asked` is the request."""
    block: dict[str, Any] = {
        "run_id": receipt_id,
        "receipt_id": receipt_id,
        "compute_passport_id": str(course.target),
        **({"policy_hash": course.policy_digest} if course.policy_digest else {}),
        "ttft_ms": course.ttft_ms,
        **find_trace(asked),
    }
    put = _put(msgspec.json.encode(block))
    if not stream:
        return apply(closing, put(closing))
    told = patch_last(closing, put)
    return told if told != closing else put_before_end(closing, _make_chunk(receipt_id, course, block))


def _put(value: bytes) -> Callable[[bytes], list[Patch]]:
    def put(document: bytes) -> list[Patch]:
        """The member, in place of one that a provider of this name has sent, or as the last."""
        members = dict(list_members(document))
        if (known := members.get(_BLOCK)) is not None:
            return [(known.value_start, known.end, value)]
        inside = document.rindex(b"}")
        return [(inside, inside, b'%b"%b":%b' % (b"," if members else b"", _BLOCK.encode(), value))]

    return put


def _make_chunk(receipt_id: str, course: Course, block: dict[str, Any]) -> bytes:
    chunk: dict[str, Any] = {
        "id": receipt_id,
        "object": "chat.completion.chunk",
        "created": course.ended_s,
        "model": course.request_model,
        "choices": [],
        _BLOCK: block,
    }
    return encode(msgspec.json.encode(chunk))
