"""What most wires have in common: chats, streams of server-sent events that take comments, and no headers of their own.

Only constants, and the one answer that follows from them; what is said on a wire is its own dialect's.
"""

from collections.abc import Mapping
from types import MappingProxyType

from tallygate.dialects.sse import OWN, comment
from tallygate.genai.peek import Peek


class PlainWire:
    """The constants of a `Streaming` dialect on such a wire."""

    operation: str = "chat"
    stream_content_type: str = "text/event-stream"
    ping: bytes = comment(f"{OWN}: waiting")
    forward_headers: frozenset[str] = frozenset()
    trial_header: str = ""
    needs_output_cap: bool = False
    header_defaults: Mapping[str, str] = MappingProxyType({})

    def check_headers(self, headers: Mapping[str, str], body: bytes, peek: Peek) -> None:
        """No header of this wire rules anything out."""
