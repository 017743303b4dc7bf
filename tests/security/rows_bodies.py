"""Rows 16 to 33: bodies that are no JSON, too much JSON, or JSON that says what cannot be."""

import json
from typing import Any

from tests.contract import test_bad_input as bad
from tests.security.row import CHAT, GOOD, JSON, MESSAGES, Ask, Row, ask, chat, with_field
from tests.security.town import Town

GOOD_BODY = json.dumps(GOOD).encode()
LIMIT_BYTES = 32 << 20
VALUE = ("invalid_value", "invalid_request", "missing_required_parameter")
ADMIN = "/v1/admin/workspaces"


def saying(body: bytes, *codes: str, statuses: tuple[int, ...] = (400,)) -> Ask:
    """A chat with these bytes."""
    return chat(*statuses, body=body, codes=codes)


def nested(depth: int) -> bytes:
    """A body whose deepest value lies so many arrays and objects deep, the body itself counted."""
    return GOOD_BODY[:-1] + b', "x": ' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


def typed(content_type: str | None) -> Ask:
    """A good body under another name."""
    headers = () if content_type is None else (("Content-Type", content_type),)
    made = chat(
        415, body=GOOD_BODY, headers=(*headers, ("Content-Length", "<LENGTH>")), codes=("unsupported_media_type",)
    )
    # `chat` adds the right type where there is none.
    return made if headers else made._replace(raw=made.raw.replace(b"Content-Type: application/json\r\n", b""))


def stop_reading_at_the_limit(town: Town) -> None:
    """What is too long is refused before it has come: neither its announcement nor its last chunk is waited for."""
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer <MINE>\r\n"
    head += b"Content-Type: application/json\r\n"
    with town.connect() as line:
        answer = line.send(town.fill(head) + b"Content-Length: %d\r\n\r\n" % (LIMIT_BYTES + 1)).read()
        assert (answer.status, answer.headers["connection"]) == (413, "close")
        assert line.at_end()
    with town.connect() as line:
        line.send(town.fill(head) + b"Transfer-Encoding: chunked\r\n\r\n")
        line.send(b"%x\r\n" % (LIMIT_BYTES + 1))
        answer = line.read()
        assert (answer.status, answer.headers["connection"]) == (413, "close")


def pass_on_as_text(town: Town) -> None:
    """What other programs would run is words here: it comes to the provider as it was sent, in every string."""
    for text in ("{{7*7}}", "${jndi:ldap://127.0.0.1/a}", "<%= 7*7 %>", "%n%s%s%x", "#{7*7}", "$(id)", "`id`", "{0}"):
        said: dict[str, Any] = {
            "model": "plain",
            "messages": [{"role": "user", "content": text, "name": "n"}, {"role": "system", "content": text}],
            "user": text,
            "stop": [text],
            "metadata": {"note": text},
        }
        mark = town.upstream.mark()
        answer, _ = town.send(chat(200, body=said).raw)
        assert answer.status == 200, answer.body
        (asked,) = town.upstream.requests_since(mark)
        passed = json.loads(asked["body"])
        assert [message["content"] for message in passed["messages"]] == [text, text]
        assert (passed["user"], passed["stop"], passed["metadata"]) == (text, [text], {"note": text})
        wrong = json.loads(town.send(chat(404, body={**GOOD, "model": text}).raw)[0].body)
        assert wrong["error"]["code"] == "model_not_found"
        assert text in wrong["error"]["message"] or "49" not in wrong["error"]["message"]


ROWS = (
    Row(
        16,
        "no JSON object",
        (
            *(saying(body, "invalid_json") for body in (b"", b"  \r\n")),
            *(
                saying(body, "invalid_json", "invalid_request", "invalid_value")
                for body in (b"null", b'"x"', b"[]", b"7")
            ),
        ),
    ),
    Row(17, "nearly JSON", tuple(saying(body, "invalid_json") for body in bad.NOT_JSON.values())),
    Row(
        18,
        "one name twice",
        (
            saying(b'{"model":"plain","messages":[],"model":"sold"}', "duplicate_key"),
            saying(
                GOOD_BODY[:-1] + b',"stream_options":{"include_usage":true,"include_usage":false}}', "duplicate_key"
            ),
            saying(GOOD_BODY[:-1] + b',"x":1,"\\u0078":1}', "duplicate_key"),
            ask("POST", ADMIN, 400, key="<ADMIN>", body=b'{"name":"a","name":"b"}', codes=("duplicate_key",)),
        ),
    ),
    Row(
        19,
        "numbers that are none",
        (
            *(
                with_field("temperature", raw, 400)
                for raw in (b"NaN", b"Infinity", b"-Infinity", b"1e400", b"01", b"0x10")
            ),
            *(with_field("max_tokens", raw, 400) for raw in (b"-0", b"1e400", b"+5", b".5", b"5.")),
        ),
        otherwise="docs/reference/errors.md#invalid_value: `-0` is the number 0 wherever 0 is allowed",
    ),
    Row(
        20,
        "too deep",
        (
            *(saying(nested(depth), "too_deep", "too_large") for depth in (65, 1_000, 100_000)),
            saying(b"[" * 100_000, "too_deep", "too_large", "invalid_json"),
            saying(b'{"a":' * 20_000, "too_deep", "too_large", "invalid_json"),
        ),
    ),
    Row(
        21,
        "a number of five thousand digits",
        (with_field("max_tokens", b"9" * 5_000, 400), with_field("x", b"9" * 5_000, 400)),
    ),
    Row(
        22,
        "not UTF-8",
        tuple(
            saying(body, "invalid_encoding", "invalid_string", "invalid_json")
            for name, body in bad.ENCODINGS.items()
            if name != "zero character"
        ),
    ),
    Row(
        23,
        "a zero character",
        (
            saying(bad.ENCODINGS["zero character"], "invalid_string"),
            ask("POST", ADMIN, 400, key="<ADMIN>", body=b'{"name":"a\\u0000b"}'),
        ),
    ),
    Row(
        24,
        "too long",
        plays=(stop_reading_at_the_limit,),
        otherwise="docs/reference/settings.md#serverbody_bytes_max: 32 MiB everywhere, for pictures travel inside",
    ),
    Row(
        25,
        "compressed",
        tuple(
            chat(415, headers=(("Content-Encoding", how),), codes=("unsupported_encoding",))
            for how in ("gzip", "br", "deflate", "zstd", "gzip, gzip", "identity, gzip", "x-gzip")
        ),
    ),
    Row(
        26,
        "of another type",
        tuple(
            map(
                typed,
                (
                    "text/plain",
                    "application/json; charset=utf-16",
                    "application/x-www-form-urlencoded",
                    "multipart/form-data; boundary=x",
                    "application/jsonx",
                    "",
                    None,
                ),
            )
        ),
    ),
    Row(27, "no body where one is due", (ask("POST", CHAT, 400, 411, headers=(JSON,)),)),
    Row(
        28,
        "a million members",
        (
            saying(
                GOOD_BODY[:-1] + b',"x":{' + b",".join(b'"k%d":0' % n for n in range(1_000_000)) + b"}}", "too_large"
            ),
            saying(
                b'{"model":"plain","messages":[' + b",".join([b'{"role":"user","content":"x"}'] * 100_000) + b"]}",
                "too_large",
            ),
        ),
    ),
    Row(
        29,
        "names that mean something elsewhere",
        (
            *(
                with_field(name, b'{"polluted":true}', 200, leaves="a call")
                for name in ("__proto__", "constructor", "__class__", "$ref", "__init__")
            ),
            *(
                ask("POST", ADMIN, 400, key="<ADMIN>", body={"name": "x", name: {}}, codes=("invalid_value",))
                for name in ("__proto__", "constructor", "__class__", "$ref")
            ),
        ),
    ),
    Row(
        30,
        "a field that nobody knows",
        (
            with_field("is_there_such_a_field", b"1", 200, leaves="a call"),
            ask("POST", MESSAGES, 400, body={**GOOD, "max_tokens": 5, "x_unknown": 1}, leaves="a void"),
            ask("POST", ADMIN, 400, key="<ADMIN>", body={"name": "x", "unknown": 1}, codes=("invalid_value",)),
            ask("POST", "/v1/quote", 400, body={"url": CHAT, "body": GOOD, "unknown": 1}, codes=("invalid_value",)),
            ask("POST", "/v1/run/inference", 400, 422, body={"unknown": 1}),
        ),
        otherwise="docs/reference/conversion.md#conversion: a field is passed on, or refused by name; never lost",
    ),
    Row(
        31,
        "a form of answer that the model has not",
        (
            chat(
                400,
                body={**GOOD, "model": "blind", "response_format": {"type": "json_object"}},
                codes=("unsupported_parameter",),
            ),
        ),
    ),
    Row(
        32,
        "messages that are none",
        tuple(with_field("messages", raw, 400, codes=VALUE) for name, raw, _ in bad.WRONG_VALUES if name == "messages"),
    ),
    Row(33, "what other programs would run", plays=(pass_on_as_text,)),
)
