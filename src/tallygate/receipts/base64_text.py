"""Base64 as the formats of the log want it: RFC 4648 section 4, padded, in its one canonical spelling."""

import binascii


def encode(data: bytes) -> str:
    """The text of some bytes."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def decode(text: str) -> bytes:
    """The bytes of a text. Raises ValueError for any other spelling of them, with blanks or stray bits."""
    try:
        data = binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise ValueError("this is not base64") from error
    if encode(data) != text:
        raise ValueError("this is not canonical base64")
    return data
