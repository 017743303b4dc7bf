"""Rows 91 to 98: uploads, and files that are larger inside. There is no door for them yet."""

from tests.security.row import CHAT, Row, ask, chat

FORM = ("Content-Type", "multipart/form-data; boundary=b")

ROWS = (
    Row(
        91,
        "forms without measure",
        (
            chat(415, headers=(FORM,), body=b"--b\r\n\r\nx\r\n" * 10_000),
            chat(415, headers=(("Content-Type", "multipart/form-data"),), body=b"x"),
            chat(415, headers=(FORM,), body=b"-" * 1_000_000),
        ),
        later="uploads",
    ),
    Row(92, "parts with too many headers, or no name", later="uploads"),
    Row(
        93,
        "a nameless part of 200 MB",
        (ask("POST", CHAT, 413, headers=(FORM, ("Content-Length", "209715200"))),),
        later="uploads",
    ),
    Row(94, "names of files that lead elsewhere", later="uploads"),
    Row(95, "pictures that are larger inside", later="uploads"),
    Row(96, "sounds that are not as long as they say", later="uploads"),
    Row(97, "archives and documents with something inside", later="uploads"),
    Row(
        98,
        "ranges",
        (ask("GET", "/v1/models", 200, headers=(("Range", "bytes=0-0,-1,5-2"),)),),
        later="presigned media",
    ),
)
