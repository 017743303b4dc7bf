"""The receipt's id before the event that closes the answer."""

from tallygate.dialects.openai_responses.receipt import tell_receipt


def test_the_comment_stands_before_the_last_event() -> None:
    closing = b"event: a\ndata: 1\n\nevent: b\ndata: 2\n\n"
    told = b"event: a\ndata: 1\n\n: tallygate-receipt rcpt\n\nevent: b\ndata: 2\n\n"
    assert tell_receipt(closing, "rcpt") == told


def test_nothing_has_no_receipt() -> None:
    assert tell_receipt(b"", "rcpt") == b""
