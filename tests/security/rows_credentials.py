"""Rows 1 to 15: who is let in. Every refusal of a key has the same words, whatever is wrong with it."""

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from tests.contract.test_credentials import AMBIGUOUS
from tests.security.row import GOOD, Ask, Row, ask, chat
from tests.security.town import Town

UNKNOWN = ("invalid_api_key",)
SIGN_IN: Mapping[str, str] = MappingProxyType({"www-authenticate": "Bearer", "x-should-retry": "false"})


def bearing(*pairs: tuple[str, str | bytes], statuses: tuple[int, ...] = (401,), **more: Any) -> Ask:
    """A chat with these credentials and no others."""
    codes = UNKNOWN if statuses == (401,) else ()
    return chat(*statuses, key="", headers=pairs, **{"codes": codes, **more})


def holding(value: str | bytes) -> Ask:
    """A chat with this in `Authorization`."""
    return bearing(("Authorization", value))


def token(head: Mapping[str, Any], claims: Mapping[str, Any], secret: bytes = b"") -> str:
    """A JSON Web Token (RFC 7519), signed with HMAC if there is a secret."""
    parts = [urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (head, claims)]
    signed = hmac.digest(secret, b".".join(parts), "sha256") if secret else b""
    return b".".join([*parts, urlsafe_b64encode(signed).rstrip(b"=")]).decode()


CLAIMS = {"sub": "admin", "aud": "tallygate", "exp": 4_102_444_800}
TOKENS = (
    token({"alg": "none"}, CLAIMS),
    token({"alg": "HS256", "typ": "JWT"}, CLAIMS, b"-----BEGIN PUBLIC KEY-----"),
    token({"alg": "HS256", "kid": "../../../dev/null"}, CLAIMS, b"\0"),
    token({"alg": "RS256", "jku": "http://127.0.0.1:1/keys"}, CLAIMS, b"x"),
    token({"alg": "HS256"}, {**CLAIMS, "aud": "another"}, b"x"),
    token({"alg": "HS256"}, {**CLAIMS, "exp": "4102444800"}, b"x"),
    token({"alg": "HS256"}, {**CLAIMS, "nbf": 4_102_444_800}, b"x"),
)


def refuse_all_alike(town: Town) -> None:
    """A stranger cannot tell a key that was mistyped from one that never was, or is no more."""
    seen: set[tuple[int, bytes, str]] = set()
    for word in ("TYPO", "UNKNOWN", "REVOKED", "EXPIRED", "SHUT_USER", "SHUT_WORKSPACE"):
        for made in (chat(401, key=f"<{word}>"), ask("GET", "/v1/key", 401, key=f"<{word}>")):
            answer, _ = town.send(made.raw)
            body = answer.body.replace(answer.headers["x-request-id"].encode(), b"")
            names = ", ".join(sorted(answer.headers))
            seen.add((answer.status, body, names))
    assert len({status for status, *_ in seen}) == 1
    assert len(seen) == 2, "one body for each of the two doors, and the same headers"


ROWS = (
    Row(1, "no credential", (chat(401, key="", codes=UNKNOWN, shows=SIGN_IN),)),
    Row(2, "a scheme and nothing behind it", tuple(map(holding, ("Bearer ", "Bearer    ", "Bearer \t", "Bearer")))),
    Row(
        3,
        "another scheme, or none",
        (
            *map(holding, ("Basic bHg6bHg=", "Token <MINE>", "Basic <MINE>", "<MINE>", "Bearer<MINE>")),
            *(
                bearing(("Authorization", f"{word} <MINE>"), statuses=(200,), leaves="a call")
                for word in ("bearer", "BEARER")
            ),
        ),
    ),
    Row(
        4,
        "one character changed",
        (chat(401, key="<TYPO>", codes=UNKNOWN),),
        proofs=("tests/access/test_doorman.py::test_a_malformed_key_costs_no_look_into_the_database",),
    ),
    Row(5, "a sound form that nobody was given", (chat(401, key="<UNKNOWN>", codes=UNKNOWN),), (refuse_all_alike,)),
    Row(
        6,
        "revoked, expired, closed",
        tuple(
            chat(401, key=f"<{word}>", codes=UNKNOWN) for word in ("REVOKED", "EXPIRED", "SHUT_USER", "SHUT_WORKSPACE")
        ),
        (refuse_all_alike,),
    ),
    Row(
        7,
        "code in a key",
        tuple(map(holding, ("Bearer ' OR '1'='1", "Bearer '; DROP TABLE keys; --", "Bearer %00", "Bearer \\u0000"))),
    ),
    Row(
        8,
        "a credential of a megabyte",
        (
            bearing(("Authorization", b"Bearer " + b"a" * (1 << 20)), statuses=(431,)),
            bearing(("x-api-key", b"a" * 2_048), statuses=(431,)),
        ),
    ),
    Row(
        9,
        "two different keys in two headers",
        tuple(
            bearing(
                ("Authorization", f"Bearer <{a}>"),
                ("x-api-key", f"<{b}>"),
                statuses=(400,),
                codes=("ambiguous_credentials",),
            )
            for a, b in (("MINE", "THEIRS"), ("THEIRS", "MINE"), ("MINE", "UNKNOWN"), ("UNKNOWN", "ADMIN"))
        ),
    ),
    Row(
        10,
        "two credentials in one name",
        tuple(
            bearing(
                *((name, value.format(a="<MINE>", b="<THEIRS>")) for name, value in pairs),
                statuses=(400,),
                codes=("ambiguous_credentials",),
            )
            for pairs in AMBIGUOUS.values()
        ),
    ),
    Row(
        11,
        "a key in the address",
        tuple(
            ask("POST", f"/v1/chat/completions?{name}=<MINE>", 401, key="", body=GOOD, codes=UNKNOWN)
            for name in ("api_key", "key", "access_token", "authorization")
        ),
        proofs=("tests/security/test_silence.py::test_no_key_that_was_ever_sent_is_in_the_log",),
    ),
    Row(
        12,
        "bytes that no key has",
        (
            holding(b"Bearer lx-k_\xc3\xa9"),
            holding(b"Bearer \xff\xfe"),
            bearing(("x-api-key", "<MINE>\N{NO-BREAK SPACE}")),
            *(
                bearing(("Authorization", b"Bearer a" + odd + b"b"), statuses=(400, 401))
                for odd in (b"\0", b"\r", b"\n", b"\r\n ", b"\x1b[2J", b"\x7f")
            ),
        ),
    ),
    Row(
        13,
        "a key for something else",
        (
            chat(403, key="<VIEWER>", codes=("permission_denied",)),
            chat(403, key="<ADMIN>", codes=("permission_denied",)),
            ask("POST", "/v1/quote", 403, key="<VIEWER>", body={}, codes=("permission_denied",)),
            ask("GET", "/v1/admin/keys", 403, codes=("permission_denied",)),
            ask("GET", "/v1/credits", 403, key="<ADMIN>", codes=("permission_denied",)),
        ),
    ),
    Row(14, "signed tokens of another making", tuple(holding(f"Bearer {text}") for text in TOKENS)),
    Row(
        15,
        "a thousand wrong keys from one address",
        proofs=("tests/security/test_guessing.py::test_whoever_guesses_is_slowed_down_and_a_good_key_is_not",),
    ),
)
