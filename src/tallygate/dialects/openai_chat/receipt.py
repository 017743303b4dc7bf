"""The receipt's id in a stream: a comment directly before ``data: [DONE]``, which clients skip (WHATWG HTML, section
9.2.6) and a person who reads the stream finds.
"""

from tallygate.dialects.openai_chat.reader import TERMINATOR
from tallygate.dialects.sse import OWN, Parser, comment


def tell_receipt(closing: bytes, receipt_id: str) -> bytes:
    """The closing bytes with the comment before their terminator; unchanged if they have none."""
    return put_before_end(closing, comment(f"{OWN}-receipt {receipt_id}"))


def put_before_end(closing: bytes, told: bytes) -> bytes:
    """The closing bytes with whole frames before their terminator; unchanged if they have none."""
    before = closing.removesuffix(TERMINATOR)
    # Nearly always. Not if the terminator is only the last line of a longer event.
    if len(before) < len(closing) and (not before or before.endswith(b"\n\n")):
        return b"".join((before, told, TERMINATOR))
    parser = Parser()
    pieces = (*parser.feed(closing), *parser.finish())
    return b"".join(told + piece.raw if piece.data.strip() == b"[DONE]" else piece.raw for piece in pieces)
