"""The head of an answer as bytes (RFC 9112 section 4). Pure; what an answer says is decided behind the doors."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

STATUS_LINES: Final[Mapping[int, str]] = MappingProxyType(
    {
        **{status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus},
        524: "HTTP/1.1 524 A Timeout Occurred\r\n",
        529: "HTTP/1.1 529 Overloaded\r\n",
    }
)
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK: Final = b"0\r\n\r\n"


def write_answer_head(status: int, headers: Sequence[tuple[str, str]], more: str) -> bytes:
    """Status line, headers, and `more` lines that are ready to be sent. Raises ValueError for a header that would break
    out of its line.
    """
    text = "".join([f"{name}: {value}\r\n" for name, value in headers])
    if text.count("\n") != len(headers) or text.count("\r") != len(headers) or "\0" in text:
        raise ValueError("a header of an answer holds a line end")
    return f"{STATUS_LINES[status]}{text}{more}\r\n".encode("latin-1")


def write_chunk(data: bytes) -> bytes:
    """One chunk of a body that is not empty (RFC 9112 section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)
