"""The bytes of `request.params`: a request without the conversation, so that how the model was called can be shown and
what was said to it kept back. Their form is told in docs/reference/receipts.md. Pure.
"""

from collections.abc import Collection

from tallygate.genai.foreign_json import even_out
from tallygate.genai.peek import Peek


def write_params(body: bytes, peek: Peek, conversation: Collection[str]) -> bytes:
    """The members of `body` that are not `conversation`, as one object. `peek` must be of these bytes."""
    members = [body[span.start : span.end] for name, span in peek.spans.items() if name not in conversation]
    return even_out(b"{" + b",".join(members) + b"}")
