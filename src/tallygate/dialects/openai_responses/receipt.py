"""The receipt's id in a stream: a comment directly before the event that closes the answer, which clients skip (WHATWG
HTML, section 9.2.6) and a person who reads the stream finds.
"""

from tallygate.dialects.sse import OWN, Parser, comment


def tell_receipt(closing: bytes, receipt_id: str) -> bytes:
    """The closing bytes with the comment before their last event; unchanged if there is none."""
    parser = Parser()
    pieces = [piece.raw for piece in (*parser.feed(closing), *parser.finish()) if piece.raw]
    if not pieces:
        return closing
    return b"".join((*pieces[:-1], comment(f"{OWN}-receipt {receipt_id}"), pieces[-1]))
