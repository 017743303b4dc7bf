"""Rows 69 to 73: addresses that look like others, and headers in which a proxy would say where a request comes from."""

import json

from tests.security.row import CHAT, Row, ask, chat
from tests.security.town import Town

NOWHERE = ("not_found",)
DISGUISES = (
    *("/v1/../v1/admin/keys", "/v1/%2e%2e/v1/admin/keys", "//v1/admin/keys", "/v1//admin/keys", "/v1/admin/keys;x"),
    *(
        "/v1/admin%2fkeys",
        "/v1/ADMIN/keys",
        "/V1/admin/keys",
        "/v1/admin/./keys",
        "/v1/%61dmin/keys",
        "/v1\\admin\\keys",
    ),
    *(
        "/v1/admin/keys/",
        "/v1/admin/keys%00",
        "/v1/admin/keys%20",
        "/v1/chat/..;/admin/keys",
        "/v1/models/../admin/keys",
    ),
)
HEADERS = ("X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Prefix", "X-Original-URI", "X-HTTP-Method-Override")


def tell_nobody_more(town: Town) -> None:
    """A web page of any origin is told nothing that would let it read an answer or send a key."""
    for origin in ("https://evil.example", "null", "http://localhost:8255"):
        headers = (("Origin", origin), ("Access-Control-Request-Method", "POST"))
        for method, target in (
            ("OPTIONS", CHAT),
            ("OPTIONS", "/v1/admin/keys"),
            ("GET", "/v1/key"),
            ("GET", "/v1/models"),
        ):
            answer, _ = town.send(ask(method, target, headers=headers).raw)
            assert not [name for name in answer.headers if name.startswith("access-control-")], (origin, target)


def believe_no_claim(town: Town) -> None:
    """What a caller says of its own address, or of ours, changes no answer."""
    plain = json.loads(town.send(ask("GET", "/v1/key", 200).raw)[0].body)
    claims = (
        ("X-Forwarded-For", "127.0.0.1"),
        ("Forwarded", "for=127.0.0.1;host=evil.example;proto=https"),
        ("X-Real-IP", "127.0.0.1"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Proto", "https"),
    )
    for pair in claims:
        answer, _ = town.send(ask("GET", "/v1/key", 200, headers=(pair,)).raw)
        assert json.loads(answer.body)["data"] == plain["data"]
        assert b"evil" not in answer.body
        refused, _ = town.send(chat(401, key="<TYPO>", headers=(pair,)).raw)
        assert refused.status == 401


ROWS = (
    Row(
        69,
        "the admin's address in disguise",
        tuple(ask("GET", path, 404, 400, 401, 403, key=key) for path in DISGUISES for key in ("", "<MINE>")),
    ),
    Row(
        70,
        "headers that would be another address",
        (
            *(ask("GET", "/v1/nowhere", 404, headers=((name, "/v1/admin/keys"),), codes=NOWHERE) for name in HEADERS),
            *(
                ask("GET", "/v1/key", 200, headers=((name, value),))
                for name, value in (("X-HTTP-Method-Override", "DELETE"), ("X-Forwarded-Host", "evil.example"))
            ),
        ),
    ),
    Row(
        71,
        "whose address it says it is",
        plays=(believe_no_claim,),
        proofs=("tests/security/test_guessing.py::test_nobody_guesses_on_under_a_claimed_address",),
    ),
    Row(72, "pages of other origins", plays=(tell_nobody_more,)),
    Row(
        73,
        "what servers often leave open",
        tuple(
            ask("GET", path, 404, key=key, codes=NOWHERE)
            for path in ("/docs", "/debug", "/.env", "/.git/config", "/server-status", "/admin", "/actuator", "/redoc")
            for key in ("", "<MINE>")
        ),
    ),
)
