"""Answers as providers send them, right and wrong, each with what must come of it; and how to read them without a wire.

Nothing of the readers is known here but how they are used. Sources: RFC 9112 sections 4 to 7, RFC 9110 section 5.
"""

from collections.abc import Iterable
from typing import NamedTuple

from tallygate.errors import InvalidAnswer, StreamBroken
from tallygate.transport.head import HeadLimits, HeadReader

LIMITS = HeadLimits(line_bytes_max=16_384, headers_max=128)

OK = "HTTP/1.1 200 OK\r\n"
CHUNKED = OK + "transfer-encoding: chunked\r\n\r\n"


class Got(NamedTuple):
    """What came of an answer: `whole`, `refused` (its head), `broken` (after `body`), or `waiting` for more.

    `again` is whether the connection may serve another request.
    """

    how: str
    status: int = 0
    body: bytes = b""
    again: bool = False


class Case(NamedTuple):
    """Bytes, and what comes of them when the other side then ends the connection in order, or says nothing more."""

    said: bytes
    ended: Got
    silent: Got


def read_answer(pieces: Iterable[bytes], *, ends: bool, bytes_max: int = 16_384) -> Got:
    """Read an answer that comes in these pieces, and then perhaps the end of the connection."""
    reader, head, body = HeadReader(LIMITS), None, b""
    try:
        for piece in pieces:
            if head is None:
                head = reader.feed(piece)
            else:
                head.body.feed(piece)
            while head is not None and (data := head.body.read(bytes_max)):
                assert len(data) <= bytes_max
                body += data
        if head is None:
            return Got("cut off" if ends else "waiting")
        if ends:
            head.body.finish(clean=True)
    except InvalidAnswer:
        return Got("refused")
    except StreamBroken:
        assert head is not None
        return Got("broken", head.status, body)
    if not head.body.done:
        return Got("waiting", head.status, body)
    return Got("whole", head.status, body, head.keeps_alive and not head.body.unread_bytes)


def _whole(said: str, body: bytes, *, status: int = 200, again: bool = True) -> Case:
    got = Got("whole", status, body, again)
    return Case(said.encode("latin-1"), got, got)


def _until_close(said: str, body: bytes, status: int = 200) -> Case:
    return Case(said.encode("latin-1"), Got("whole", status, body), Got("waiting", status, body))


def _refused(said: str) -> Case:
    return Case(said.encode("latin-1"), Got("refused"), Got("refused"))


def _broken(said: str, before: bytes) -> Case:
    got = Got("broken", 200, before)
    return Case(said.encode("latin-1"), got, got)


def _short(said: str, before: bytes) -> Case:
    return Case(said.encode("latin-1"), Got("broken", 200, before), Got("waiting", 200, before))


def _headless(said: str) -> Case:
    return Case(said.encode("latin-1"), Got("cut off"), Got("waiting"))


SSE = "".join(f"{len(event):x}\r\n{event}\r\n" for event in ('data: {"a": 1}\n\n', "data: {}\n\n", "data: [DONE]\n\n"))
SSE_BODY = b'data: {"a": 1}\n\ndata: {}\n\ndata: [DONE]\n\n'

CASES: dict[str, Case] = {
    # The body's end is told by a length.
    "a length": _whole(f"{OK}content-length: 5\r\n\r\nhello", b"hello"),
    "a length of none": _whole(f"{OK}content-length: 0\r\n\r\n", b""),
    "a length with zeros before it": _whole(f"{OK}content-length: 0005\r\n\r\nhello", b"hello"),
    "a length between blanks": _whole(f"{OK}content-length: \t5 \t\r\n\r\nhello", b"hello"),
    "no blank behind a colon": _whole(f"{OK}content-length:5\r\n\r\nhello", b"hello"),
    "a header without a value": _whole(f"{OK}x:\r\ncontent-length: 1\r\n\r\na", b"a"),
    "a value beyond ASCII": _whole(f"{OK}x: caf\xe9\r\ncontent-length: 1\r\n\r\na", b"a"),
    "a value with a tab": _whole(f"{OK}x: a\tb\r\ncontent-length: 1\r\n\r\na", b"a"),
    "names in capitals": _whole("HTTP/1.1 200 OK\r\nCONTENT-LENGTH: 1\r\n\r\na", b"a"),
    "no reason": _whole("HTTP/1.1 200 \r\ncontent-length: 1\r\n\r\na", b"a"),
    "no reason and no blank": _whole("HTTP/1.1 200\r\ncontent-length: 1\r\n\r\na", b"a"),
    "a last answer": _whole(f"{OK}connection: close\r\ncontent-length: 1\r\n\r\na", b"a", again=False),
    "a last answer, among other words": _whole(
        f"{OK}connection: x, Close\r\ncontent-length: 1\r\n\r\na", b"a", again=False
    ),
    "bytes behind the body": _whole(f"{OK}content-length: 1\r\n\r\nabc", b"a", again=False),
    "a second answer": _whole(f"{OK}content-length: 1\r\n\r\na{OK}content-length: 1\r\n\r\nb", b"a", again=False),
    "an old answer with a length": _whole("HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\na", b"a", again=False),
    "less than the length": _short(f"{OK}content-length: 10\r\n\r\nabc", b"abc"),
    "nothing of a length": _short(f"{OK}content-length: 10\r\n\r\n", b""),
    "a length of 18 digits": _short(f"{OK}content-length: {'9' * 18}\r\n\r\nabc", b"abc"),
    # By chunks.
    "chunks": _whole(f"{CHUNKED}2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n", b"abcde"),
    "a stream of events": _whole(f"{CHUNKED}{SSE}0\r\n\r\n", SSE_BODY),
    "no chunk": _whole(f"{CHUNKED}0\r\n\r\n", b""),
    "sizes in both cases": _whole(f"{CHUNKED}a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", b"0123456789" * 2),
    "sizes with zeros before them": _whole(f"{CHUNKED}{'0' * 30}2\r\nab\r\n00\r\n\r\n", b"ab"),
    "blanks behind a size": _whole(f"{CHUNKED}2  \r\nab\r\n0 \r\n\r\n", b"ab"),
    "extensions": _whole(f'{CHUNKED}2;a=1;b="x"\r\nab\r\n0;c\r\n\r\n', b"ab"),
    "trailers": _whole(f"{CHUNKED}2\r\nab\r\n0\r\ncontent-length: 7\r\nx: y\r\n\r\n", b"ab"),
    "line ends inside a chunk": _whole(f"{CHUNKED}6\r\n\r\n0\r\n\r\r\n0\r\n\r\n", b"\r\n0\r\n\r"),
    "chunks, said in capitals": _whole(f"{OK}Transfer-Encoding: Chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", b"a"),
    "bytes behind the last chunk": _whole(f"{CHUNKED}1\r\na\r\n0\r\n\r\nabc", b"a", again=False),
    "chunks without their end": _short(f"{CHUNKED}2\r\nab\r\n", b"ab"),
    "a chunk without its end": _short(f"{CHUNKED}5\r\nab", b"ab"),
    "a last chunk without its end": _short(f"{CHUNKED}2\r\nab\r\n0\r\n", b"ab"),
    "trailers without their end": _short(f"{CHUNKED}2\r\nab\r\n0\r\nx: y\r\n", b"ab"),
    "a size without its end": _short(f"{CHUNKED}2\r\nab\r\n5", b"ab"),
    "a chunk of a billion GB": _short(f"{CHUNKED}{'f' * 15}\r\nab", b"ab"),
    "a size that is no number": _broken(f"{CHUNKED}2\r\nab\r\nzz\r\ncd\r\n0\r\n\r\n", b"ab"),
    "no size": _broken(f"{CHUNKED}2\r\nab\r\n\r\n\r\n", b"ab"),
    "a size below none": _broken(f"{CHUNKED}-1\r\nab\r\n0\r\n\r\n", b""),
    "a size with a sign": _broken(f"{CHUNKED}+2\r\nab\r\n0\r\n\r\n", b""),
    "a size with a prefix": _broken(f"{CHUNKED}0x2\r\nab\r\n0\r\n\r\n", b""),
    "a size with an underscore": _broken(f"{CHUNKED}1_0\r\nab\r\n0\r\n\r\n", b""),
    "a blank before a size": _broken(f"{CHUNKED} 2\r\nab\r\n0\r\n\r\n", b""),
    "a size of 16 digits": _broken(f"{CHUNKED}{'f' * 16}\r\nab", b""),
    "a size that ends in LF": _broken(f"{CHUNKED}2\nab\r\n0\r\n\r\n", b""),
    "an extension with LF in it": _broken(f"{CHUNKED}2;a\nb\r\nab\r\n0\r\n\r\n", b""),
    "an endless extension": _broken(f"{CHUNKED}2;{'a' * 5000}", b""),
    "an endless size": _broken(f"{CHUNKED}{'0' * 5000}", b""),
    "a chunk longer than its size": _broken(f"{CHUNKED}2\r\nabcd\r\n0\r\n\r\n", b"ab"),
    "a chunk that ends in LF": _broken(f"{CHUNKED}2\r\nab\n0\r\n\r\n", b"ab"),
    "a trailer without a colon": _broken(f"{CHUNKED}0\r\nnonsense\r\n\r\n", b""),
    "endless trailers": _broken(f"{CHUNKED}0\r\n" + "x: y\r\n" * 5000, b""),
    "an endless trailer": _broken(f"{CHUNKED}0\r\nx: {'y' * 20_000}", b""),
    # By the end of the connection.
    "until the end": _until_close(f"{OK}\r\nhello", b"hello"),
    "an old answer": _until_close("HTTP/1.0 200 OK\r\n\r\nhello", b"hello"),
    "no body after all": _until_close(f"{OK}\r\n", b""),
    # There is no body.
    "204": _whole("HTTP/1.1 204 No Content\r\n\r\n", b"", status=204),
    "204 with a length of none": _whole("HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n", b"", status=204),
    "204 and bytes": _whole("HTTP/1.1 204 No Content\r\n\r\nabc", b"", status=204, again=False),
    "204 with a length": _refused("HTTP/1.1 204 No Content\r\ncontent-length: 3\r\n\r\nabc"),
    "304 with chunks": _refused("HTTP/1.1 304 Not Modified\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    # Something stands before the answer.
    "interim answers": _whole(
        f"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n{OK}content-length: 1\r\n\r\na",
        b"a",
    ),
    "only interim answers": _headless("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"),
    "endless interim answers": _refused("HTTP/1.1 103 Early Hints\r\n\r\n" * 300),
    "another protocol is begun": _refused("HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\n\r\n"),
    # The head contradicts itself.
    "two lengths": _refused(f"{OK}content-length: 3\r\ncontent-length: 5\r\n\r\nabcde"),
    "a length twice": _refused(f"{OK}content-length: 3\r\ncontent-length: 3\r\n\r\nabc"),
    "a list of lengths": _refused(f"{OK}content-length: 3, 3\r\n\r\nabc"),
    "a length and chunks": _refused(
        f"{OK}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    ),
    "chunks of an old answer": _refused("HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    "chunks that are not the last": _refused(f"{OK}transfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n"),
    "a coding like chunks": _refused(f"{OK}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n"),
    "no coding": _refused(f"{OK}transfer-encoding: identity\r\n\r\nabc"),
    "an empty coding": _refused(f"{OK}transfer-encoding:\r\n\r\nabc"),
    "a length below none": _refused(f"{OK}content-length: -1\r\n\r\n"),
    "a length with a sign": _refused(f"{OK}content-length: +5\r\n\r\nhello"),
    "a length with a prefix": _refused(f"{OK}content-length: 0x5\r\n\r\nhello"),
    "a length with an underscore": _refused(f"{OK}content-length: 1_0\r\n\r\n"),
    "a length in other digits": _refused(f"{OK}content-length: \xb2\r\n\r\nab"),
    "a length with a fraction": _refused(f"{OK}content-length: 5.0\r\n\r\nhello"),
    "an empty length": _refused(f"{OK}content-length:\r\n\r\nhello"),
    "a length of 19 digits": _refused(f"{OK}content-length: {'9' * 19}\r\n\r\n"),
    # It is no head.
    "another protocol": _refused("SSH-2.0-OpenSSH_9.2\r\n"),
    "a page": _refused("<html>hello</html>\r\n\r\n"),
    "a line of nothing first": _refused(f"\r\n{OK}content-length: 0\r\n\r\n"),
    "a status of words": _refused("HTTP/1.1 banana OK\r\n\r\n"),
    "a status of two digits": _refused("HTTP/1.1 20 OK\r\n\r\n"),
    "a status of four digits": _refused("HTTP/1.1 2000 OK\r\n\r\n"),
    "a status beyond all": _refused("HTTP/1.1 600 Odd\r\n\r\n"),
    "a status below all": _refused("HTTP/1.1 099 Odd\r\n\r\n"),
    "no status": _refused("HTTP/1.1\r\n\r\n"),
    "HTTP/2 in words": _refused("HTTP/2 200 OK\r\n\r\n"),
    "HTTP/9.9": _refused("HTTP/9.9 200 OK\r\n\r\n"),
    "HTTP/1.2": _refused("HTTP/1.2 200 OK\r\n\r\n"),
    "another name of HTTP": _refused("http/1.1 200 OK\r\n\r\n"),
    "two blanks": _refused("HTTP/1.1  200 OK\r\n\r\n"),
    "a control character in the reason": _refused("HTTP/1.1 200 O\x00K\r\n\r\n"),
    "a header without a colon": _refused(f"{OK}bad header\r\n\r\n"),
    "a header without a name": _refused(f"{OK}: x\r\n\r\n"),
    "a blank before the colon": _refused(f"{OK}content-length : 5\r\n\r\nhello"),
    "a name with a blank": _refused(f"{OK}bad header: x\r\n\r\n"),
    "a name beyond ASCII": _refused(f"{OK}caf\xe9: x\r\n\r\n"),
    "a long name": _refused(f"{OK}x{'y' * 300}: z\r\n\r\n"),
    "a line that goes on": _refused(f"{OK}x: a\r\n b\r\ncontent-length: 0\r\n\r\n"),
    "a coding that goes on": _refused(f"{OK}transfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
    "NUL": _refused(f"{OK}x: a\0b\r\n\r\n"),
    "CR alone": _refused(f"{OK}x: a\rcontent-length: 5\r\n\r\nhello"),
    "LF alone": _refused(f"{OK}x: a\ncontent-length: 5\r\n\r\nhello"),
    "a long value": _refused(f"{OK}x: {'y' * 20_000}\r\n\r\n"),
    "a long reason": _refused(f"HTTP/1.1 200 {'y' * 20_000}\r\n\r\n"),
    "many headers": _refused(OK + "".join(f"x{n}: y\r\n" for n in range(200)) + "\r\n"),
    "an endless head": _refused(OK + f"x: {'y' * 10_000}\r\n" * 7),
    "an endless line": _refused(OK + "x: " + "y" * 70_000),
    "half a head": _headless(f"{OK}content-le"),
    "half a status": _headless("HTTP/1"),
    "nothing": _headless(""),
    "lines that end in LF": _refused("HTTP/1.1 200 OK\ncontent-length: 0\n\n"),
    "a line that ends in LF": _refused("HTTP/1.1 200 OK\n"),
}
