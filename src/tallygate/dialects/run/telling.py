"""What is known of a run once it is settled, put into its answer, or into the summary at the end of its stream."""

from collections.abc import Callable
from typing import Any

import msgspec

from tallygate.dialects.last_chunk import patch_last
from tallygate.dialects.patches import Patch
from tallygate.dialects.run.errors import name_code
from tallygate.dialects.run.request import ECHOED
from tallygate.genai.course import Course
from tallygate.genai.reckoning import Reckoning


def tell(closing: bytes, reckoning: Reckoning, course: Course, *, stream: bool) -> bytes:
    """A whole answer, or the end of a stream, with how the run went and what it came to."""
    join = _join(recount(reckoning, course))
    return patch_last(closing, join) if stream else join(closing)[0][2]


def recount(reckoning: Reckoning, course: Course) -> dict[str, Any]:
    """All that is told. What there is nothing to say of is left out."""
    told: dict[str, Any] = {
        "request_id": reckoning.request_id,
        "tokens_in": reckoning.usage.input_tokens,
        "tokens_out": reckoning.usage.output_tokens,
        "ttft_ms": course.ttft_ms,
        "total_latency_ms": course.total_ms,
        "compute_passport_id": str(course.target),
        "runtime": course.target.provider,
        "receipt_id": reckoning.receipt_id,
        "cost_usd": reckoning.cost_usd,
        "used_fallback": bool(course.failure),
    }
    if course.failure:
        told["fallback_reason"] = name_code(course.failure)
    if course.policy_digest:
        told["policy_hash"] = course.policy_digest
    return told


def _join(told: dict[str, Any]) -> Callable[[bytes], list[Patch]]:
    """Writes a document anew with what is told. Its bytes are our own writer's, so nothing of them is lost. A caller's
    own request id, which stands there already, counts.
    """

    def join(document: bytes) -> list[Patch]:
        said = msgspec.json.decode(document)
        echoed = {name: said[name] for name in ECHOED if name in said}
        return [(0, len(document), msgspec.json.encode({**said, **told, **echoed}))]

    return join
