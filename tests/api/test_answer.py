"""Heads of answers and chunks, byte by byte."""

import pytest

from tallygate.api.answer import STATUS_LINES, write_answer_head, write_chunk
from tallygate.dialects.registry import CLIENT_DIALECTS
from tallygate.errors import TallygateError


def test_a_head_is_written_line_by_line() -> None:
    raw = write_answer_head(200, [("content-type", "a/b"), ("x-a", "b")], "date: now\r\n")
    assert raw == b"HTTP/1.1 200 OK\r\ncontent-type: a/b\r\nx-a: b\r\ndate: now\r\n\r\n"


def test_every_error_has_a_status_line_in_every_dialect() -> None:
    def rendered(kind: type[TallygateError]) -> set[int]:
        own = {dialect.write_error(kind(), "req_1").status for dialect in CLIENT_DIALECTS.values()}
        return {kind.status, *own}.union(*map(rendered, kind.__subclasses__()))

    assert rendered(TallygateError) | {200, 524, 529} <= STATUS_LINES.keys()


@pytest.mark.parametrize("value", ["a\r\nset-cookie: b", "a\nb", "a\rb", "a\0b"])
def test_no_header_breaks_out_of_its_line(value: str) -> None:
    for header in (("x-a", value), (value, "a")):
        with pytest.raises(ValueError, match="line end"):
            write_answer_head(200, [header], "")


def test_a_chunk_says_its_size() -> None:
    assert write_chunk(b"x" * 26) == b"1a\r\n" + b"x" * 26 + b"\r\n"
