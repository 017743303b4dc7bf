"""Rows 47 to 68: requests that two readers could take for different ones. Their bytes are the framing corpus's."""

import json

from tests.faults import raw_requests as corpus
from tests.security.row import CHAT, GOOD, Ask, Row, ask, chat
from tests.security.town import PROBE, Town

BODY = json.dumps(GOOD).encode()
ALONE = ("x-request-id", "ours")


def known(*rows: corpus.Row) -> tuple[Ask, ...]:
    """Rows of the corpus, each asked by somebody with a key: nothing but the framing is wrong with them."""
    return tuple(
        Ask(
            row.raw.replace(corpus.JSON, corpus.JSON + b"Authorization: Bearer <MINE>\r\n", 1)
            if b"Authorization" not in row.raw.partition(b"\r\n\r\n")[0]
            else row.raw,
            row.statuses,
            closes=row.closes,
            leaves="a call" if 200 in row.statuses else "nothing",
        )
        for row in rows
    )


def named(*parts: str, among: list[corpus.Row]) -> tuple[Ask, ...]:
    """Those of the corpus that have one of these words in their name."""
    found = [row for row in among if any(part in row.name for part in parts)]
    assert found, parts
    return known(*found)


def serve_in_order(town: Town) -> None:
    """A thousand requests sent ahead are served one after another, or the line is closed; none is skipped."""
    with town.connect() as line:
        for number in range(1_000):
            line.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: n%d\r\n\r\n" % number)
        for number in range(1_000):
            try:
                answer = line.read()
            except EOFError:
                assert number > 0
                return
            assert (answer.status, answer.headers["x-request-id"]) == (200, f"n{number}")


def forget_what_follows(town: Town) -> None:
    """An answer before the body was read to its end is the last one of its line."""
    hidden = b"GET /v1/models/hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for target, headers in (
        ("/nowhere", b""),
        (CHAT, b"Content-Encoding: gzip\r\n"),
        (CHAT, b"Content-Type: text/plain\r\n"),
    ):
        head = f"POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n".encode()
        with town.connect() as line:
            answer = line.send(head + headers + b"\r\n" + hidden).read()
            assert 400 <= answer.status < 500
            assert answer.headers["connection"] == "close"
            line.send(hidden + PROBE)
            assert line.at_end()


def judge_whose_it_is(town: Town) -> None:
    """What a trailer or a list of hop-by-hop headers says changes nobody: with the key it is served, without it not."""
    for listed in ("authorization", "Authorization, x-api-key", "content-length"):
        for key, status in (("<MINE>", 200), ("", 401)):
            answer, _ = town.send(chat(status, key=key, headers=(("Connection", listed),)).raw)
            assert answer.status == status
    trailed = ask("POST", CHAT, 401, key="", headers=(("Transfer-Encoding", "chunked"),), body=b"").raw
    trailed += b"%x\r\n" % len(BODY) + BODY + b"\r\n0\r\nAuthorization: Bearer <MINE>\r\n\r\n"
    assert town.send(trailed)[0].status == 401


ROWS = (
    Row(47, "a length and chunks", named("length and chunks", "chunks and length", among=corpus.BOTH[:2])),
    Row(48, "a second request behind chunks", known(*corpus.BOTH[2:])),
    Row(49, "two lengths", named("two ", "b'5, 5'", "b'68, 68'", among=corpus.LENGTHS)),
    Row(
        50,
        "a length that is no number",
        (
            *known(*(row for row in corpus.LENGTHS if "two " not in row.name)),
            *named("blanks around", among=corpus.SOUND),
        ),
    ),
    Row(51, "a blank before the colon", named("before the colon", among=corpus.LENGTHS)),
    Row(52, "other encodings", known(*(row for row in corpus.ENCODINGS if "1.0" not in row.name))),
    Row(53, "chunks in HTTP/1.0", named("HTTP/1.0", among=corpus.ENCODINGS)),
    Row(54, "chunks that are malformed", known(*corpus.CHUNKS)),
    Row(55, "trailers", named("trailers", among=corpus.SOUND), (judge_whose_it_is,)),
    Row(56, "lines and names of headers", known(*corpus.HEADS)),
    Row(
        57,
        "hosts",
        known(*corpus.HOSTS),
        proofs=("tests/api/test_head.py::test_only_the_names_that_were_given_are_answered_to",),
    ),
    Row(
        58,
        "addresses that are no path",
        named("address in full", "address of a user", "scheme", "authority", "asterisk", among=corpus.TARGETS),
    ),
    Row(59, "other methods", named("CONNECT", "TRACE", "PRI", "method", among=corpus.TARGETS)),
    Row(60, "other versions", known(*corpus.VERSIONS)),
    Row(61, "sizes", (*known(*corpus.SIZES), *named("KiB", "without an end", among=corpus.TARGETS))),
    Row(62, "expectations", named("expectation", "continuation", "Expect", among=corpus.SOUND)),
    Row(63, "an answer before the body", plays=(forget_what_follows,)),
    Row(64, "upgrades", named("upgrade", among=corpus.SOUND)),
    Row(
        65,
        "underscores",
        (
            *named("underscore", among=corpus.SOUND),
            chat(401, key="", headers=(("X_API_KEY", "<MINE>"), ("X_Forwarded_For", "127.0.0.1"))),
        ),
    ),
    Row(66, "headers listed as hop by hop", named("hop by hop", among=corpus.SOUND), (judge_whose_it_is,)),
    Row(67, "a thousand requests at once", plays=(serve_in_order,)),
    Row(
        68,
        "HTTP/2",
        named("HTTP/2", among=corpus.HEADS),
        otherwise="docs/reference/http.md#what-is-refused-before-a-door-opens: HTTP/2 is a proxy's business",
    ),
)
