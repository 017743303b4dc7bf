"""Who is let in, over raw sockets: no key, bad keys, several keys, revoked keys; and whose key is seen where.

A refused caller learns nothing about why.
"""

import json
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.contract.conftest import write_configuration
from tests.contract.gateway import Gateway, Reply, clean_env, start_gateway
from tests.contract.test_bad_input import CHAT, GOOD_BODY, JSON, check_refusal
from tests.fakes.upstream import PROVIDER_KEY, Upstream


def knock(gateway: Gateway, *headers: tuple[str, str], path: str = CHAT) -> Reply:
    return gateway.ask("POST", path, GOOD_BODY, [JSON, *headers])


def anonymous(reply: Reply) -> bytes:
    """The body without the one thing that differs from call to call."""
    return reply.body.replace(reply.headers["x-request-id"].encode(), b"")


def changed(key: str, position: int) -> str:
    """The key with one character replaced by another of its alphabet."""
    return key[:position] + ("a" if key[position] != "a" else "b") + key[position + 1 :]


def test_no_key(gateway: Gateway, upstream: Upstream) -> None:
    mark = upstream.mark()
    reply = knock(gateway)
    check_refusal(reply, 401, "invalid_api_key")
    assert reply.headers["www-authenticate"] == "Bearer"
    assert upstream.requests_since(mark) == []


STRANGERS = {
    "empty": "Bearer ",
    "blank": "Bearer \t ",
    "scheme alone": "Bearer",
    "basic": "Basic bHg6bHg=",
    "token": "Token lx-x",
    "nonsense": "Bearer nonsense",
    "another prefix": "Bearer sk-0123456789abcdef0123456789abcdef0123456789",
    "SQL": "Bearer ' OR '1'='1",
    "more SQL": "Bearer '; DROP TABLE keys; --",
    "percent zero": "Bearer lx-%00",
    "not ASCII": "Bearer lx-\xe9\xe8",
    "long": "Bearer lx-" + "a" * 900,
}


@pytest.mark.parametrize("value", STRANGERS.values(), ids=STRANGERS.keys())
def test_a_key_that_is_none(gateway: Gateway, upstream: Upstream, value: str) -> None:
    mark = upstream.mark()
    check_refusal(knock(gateway, ("Authorization", value)), 401, "invalid_api_key")
    assert upstream.requests_since(mark) == []


def test_a_key_without_its_scheme(gateway: Gateway) -> None:
    check_refusal(knock(gateway, ("Authorization", gateway.key)), 401, "invalid_api_key")


def test_every_wrong_key_gets_the_same_answer(gateway: Gateway) -> None:
    wrong = [changed(gateway.key, position) for position in (3, len(gateway.key) // 2, len(gateway.key) - 1)]
    replies = [knock(gateway, ("Authorization", f"Bearer {key}")) for key in wrong]
    for reply in replies:
        check_refusal(reply, 401, "invalid_api_key")
    assert len({anonymous(reply) for reply in replies}) == 1


def test_a_key_in_the_query_is_not_a_key(gateway: Gateway) -> None:
    for name in ("api_key", "key"):
        check_refusal(knock(gateway, path=f"{CHAT}?{name}={gateway.key}"), 401, "invalid_api_key")


def test_a_credential_of_a_megabyte(gateway: Gateway, upstream: Upstream) -> None:
    mark = upstream.mark()
    reply = knock(gateway, ("Authorization", "Bearer " + "a" * 1_000_000))
    assert reply.status in {400, 431}
    assert upstream.requests_since(mark) == []


AMBIGUOUS = {
    "two headers": [("Authorization", "Bearer {a}"), ("x-api-key", "{b}")],
    "two Authorization headers": [("Authorization", "Bearer {a}"), ("Authorization", "Bearer {b}")],
    "joined by a comma": [("Authorization", "Bearer {a}, Bearer {b}")],
    "two x-api-key headers": [("x-api-key", "{a}"), ("x-api-key", "{b}")],
}


@pytest.mark.parametrize("headers", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_two_different_keys(gateway: Gateway, upstream: Upstream, headers: list[tuple[str, str]]) -> None:
    other = changed(gateway.key, 10)
    mark = upstream.mark()
    for a, b in ((gateway.key, other), (other, gateway.key)):
        reply = knock(gateway, *((name, value.format(a=a, b=b)) for name, value in headers))
        check_refusal(reply, 400, "ambiguous_credentials")
    assert upstream.requests_since(mark) == []


GOOD_WAYS = {
    "bearer": [("Authorization", "Bearer {key}")],
    "lower case": [("authorization", "bearer {key}")],
    "x-api-key": [("x-api-key", "{key}")],
    "x-goog-api-key": [("x-goog-api-key", "{key}")],
    "the same twice": [("Authorization", "Bearer {key}"), ("x-api-key", "{key}")],
}


@pytest.mark.parametrize("headers", GOOD_WAYS.values(), ids=GOOD_WAYS.keys())
def test_ways_to_give_a_key(gateway: Gateway, headers: list[tuple[str, str]]) -> None:
    assert knock(gateway, *((name, value.format(key=gateway.key)) for name, value in headers)).status == 200


def test_the_admin_key_does_not_call_models(gateway: Gateway, upstream: Upstream) -> None:
    admin_key = Path(gateway.env["TALLYGATE_DATA"], "admin-key").read_text().strip()
    mark = upstream.mark()
    reply = knock(gateway, ("Authorization", f"Bearer {admin_key}"))
    assert reply.status in {401, 403}
    assert upstream.requests_since(mark) == []


def test_the_callers_key_never_reaches_the_provider(gateway: Gateway, upstream: Upstream) -> None:
    # What other tests asked it without a gateway may well have come with a cookie.
    earlier = len(upstream.journal)
    for name, value in (("Authorization", f"Bearer {gateway.key}"), ("x-api-key", gateway.key)):
        knock(gateway, (name, value), ("Cookie", "caller=cookie"), ("X-Forwarded-For", "10.1.1.1"))
    journal = upstream.journal
    assert gateway.key not in json.dumps(journal)
    requests = [entry for entry in journal[earlier:] if entry["event"] == "request" and entry["path"] == CHAT]
    asked = [dict(entry["headers"]) for entry in requests]
    assert len(asked) == 2
    for sent in asked:
        assert "cookie" not in sent
        assert "x-forwarded-for" not in sent


def test_the_providers_key_never_reaches_a_caller_or_the_log(gateway: Gateway) -> None:
    for model in ("up-echo", "up-401", "up-400", "up-500", "up-error-midstream"):
        for stream in (False, True):
            body = {"model": model, "messages": [{"role": "user", "content": "hush"}], "stream": stream}
            reply = gateway.chat(body)
            assert PROVIDER_KEY not in f"{reply.pairs}{reply.body.decode()}"
    assert PROVIDER_KEY not in gateway.process.text
    assert gateway.process.text.count(gateway.key) >= 1, "the first key was shown at the start"
    assert PROVIDER_KEY not in gateway.ask("GET", "/v1/models").body.decode()


@pytest.fixture
def other_gateway(
    empty_database_url: str, upstream: Upstream, anthropic_upstream: Upstream, tmp_path: Path
) -> Generator[Gateway]:
    """A gateway of its own on each engine, for tests that make and revoke keys."""
    env = clean_env(tmp_path, LAB_KEY=PROVIDER_KEY, TALLYGATE_DATABASE_URL=empty_database_url)
    config = write_configuration(tmp_path, upstream, anthropic_upstream)
    with start_gateway(env, "--config", str(config)) as running:
        yield running


def test_a_key_lives_from_its_making_to_its_revocation(other_gateway: Gateway) -> None:
    made = json.loads(other_gateway.cli("keys", "create", "--workspace", "default", "--json"))
    bearer = ("Authorization", f"Bearer {made['key']}")
    connection = other_gateway.connect()
    try:
        statuses: list[int] = []
        for turn in range(2):
            if turn:
                other_gateway.cli("keys", "revoke", made["id"])
            connection.request("POST", CHAT, GOOD_BODY, dict([JSON, bearer]))
            response = connection.getresponse()
            response.read()
            statuses.append(response.status)
    finally:
        connection.close()
    assert statuses == [200, 401], "a revoked key fails on the next call of an open connection"
    unknown = knock(other_gateway, ("Authorization", f"Bearer {changed(made['key'], 10)}"))
    assert anonymous(knock(other_gateway, bearer)) == anonymous(unknown)


def test_a_key_for_some_models_calls_no_other(other_gateway: Gateway, upstream: Upstream) -> None:
    made = json.loads(other_gateway.cli("keys", "create", "--workspace", "default", "--model", "up-think", "--json"))
    asked = {"messages": [{"role": "user", "content": "limited"}]}
    assert other_gateway.chat({**asked, "model": "up-think"}, key=made["key"]).status == 200
    mark = upstream.mark()
    reply = other_gateway.chat({**asked, "model": "up-echo"}, key=made["key"])
    check_refusal(reply, 403, "model_access_denied")
    assert upstream.requests_since(mark) == []
