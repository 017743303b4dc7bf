"""Members of a chat request that are said to this gateway and to no provider: a policy, the caller's own mark, and the
wish to be told how the answer came about (docs/reference/run.md). Requests without them never come here.
"""

from typing import Any, Final

import msgspec
from msgspec.structs import replace

from tallygate.dialects.policy import FIELD, read_policy
from tallygate.genai.peek import Peek

NAMES: Final = frozenset({FIELD, "trace_id", "run"})
TRACE_CHARACTERS_MAX: Final = 256


class _Own(msgspec.Struct):
    policy: msgspec.Raw = msgspec.Raw()
    trace_id: str | None = None
    run: bool | None = None


_OWN: Final = msgspec.json.Decoder(_Own)


def mark(look: Peek, body: bytes) -> Peek:
    """The outline of `body` with what these members say. Raises what `read_policy` raises.

    Whoever sends one of them is told; `run: false` keeps the answer as it is.
    """
    said = _OWN.decode(body)
    routing = read_policy(bytes(said.policy)) if bytes(said.policy) not in (b"", b"null") else None
    return replace(
        look,
        own=tuple(name for name in look.spans if name in NAMES),
        routing=routing,
        tells_run=(routing is not None or said.trace_id is not None) if said.run is None else said.run,
    )


def find_trace(body: bytes) -> dict[str, Any]:
    """The caller's own mark as a member of what is told, if there is one."""
    trace_id = _OWN.decode(body).trace_id
    return {} if trace_id is None else {"trace_id": trace_id}
