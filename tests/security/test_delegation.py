"""Keys made by keys: none may more, in any way, than the one that made it, and none belongs elsewhere."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.fakes.front import Answer
from tests.security.row import ask
from tests.security.standings import making
from tests.security.town import Town, code_of

SOON, LATER = ((datetime.now(UTC) + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ") for hours in (1, 2))
BOUNDS: dict[str, Any] = {
    "permissions": ["api_keys:manage", "models:use", "routing:view"],
    "models": ["plain", "think"],
    "networks": ["127.0.0.0/8"],
    "expires_at": SOON,
    "concurrency": 3,
    "rpm": 1_000,
    "tpm": 100_000,
    "budgets": {"daily": "5.00"},
}
"""All that the maker may do."""
WITHIN: dict[str, Any] = {
    **BOUNDS,
    "permissions": ["models:use"],
    "models": ["plain"],
    "networks": ["127.0.0.1"],
    "rpm": 9,
}

BEYOND: dict[str, dict[str, Any]] = {
    "another permission": {"permissions": ["models:use", "accounting:view_tenant"]},
    "the admin's permission": {"permissions": ["admin:access"]},
    "one model more": {"models": ["plain", "think", "sold"]},
    "every model": {"models": None},
    "another network": {"networks": ["127.0.0.1", "10.0.0.0/8"]},
    "every network": {"networks": None},
    "a longer life": {"expires_at": LATER},
    "a life without end": {"expires_at": None},
    "more calls at once": {"concurrency": 4},
    "as many as the user has": {"concurrency": None},
    "more requests": {"rpm": 1_001},
    "any number of requests": {"rpm": None},
    "more tokens": {"tpm": 100_001},
    "any number of tokens": {"tpm": None},
    "a higher budget": {"budgets": {"daily": "5.01"}},
    "a budget of another period": {"budgets": {"monthly": "5.00"}},
    "no budget": {"budgets": None},
}
CLAIMS: dict[str, dict[str, Any]] = {
    "another workspace": {"workspace": "rival"},
    "another workspace's id": {"workspace_id": "<THEIR_WORKSPACE>"},
    "another class": {"class": "admin"},
    "a role": {"role": "operator"},
}


@pytest.fixture(scope="module")
def maker(town: Town) -> str:
    """The word of a key that may make others, within bounds."""
    with making(town) as made:
        made.add_user("bea", "admin")
    town.words["MAKER"] = town.cut("acme", "maker", user="bea", **BOUNDS)
    return "<MAKER>"


def make(town: Town, maker: str, **wish: Any) -> Answer:
    """The answer to who asks for a key."""
    return town.send(ask("POST", "/v1/api-keys", 201, key=maker, body={**WITHIN, **wish}).raw)[0]


@pytest.mark.parametrize("wish", BEYOND.values(), ids=BEYOND.keys())
def test_nobody_makes_a_key_that_may_more_than_they(town: Town, maker: str, wish: dict[str, Any]) -> None:
    before = town.state()
    answer = make(town, maker, **wish)
    expected = {"permission_denied"} | ({"invalid_value"} if "admin:access" in json.dumps(wish) else set())
    assert answer.status in (403, 400)
    assert code_of(answer.body) in expected, answer.body
    assert town.state().differences(before) == []


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS.keys())
def test_nobody_makes_a_key_for_elsewhere(town: Town, maker: str, claim: dict[str, Any]) -> None:
    before = town.state()
    answer = make(town, maker, **claim)
    assert (answer.status, code_of(answer.body)) == (400, "invalid_value")
    assert make(town, maker, user="<THEIR_USER>").status == 404
    assert town.state().differences(before) == []


@pytest.mark.parametrize("wish", BEYOND.values(), ids=BEYOND.keys())
def test_nobody_changes_a_key_into_one_that_may_more(town: Town, maker: str, wish: dict[str, Any]) -> None:
    made = json.loads(make(town, maker).body)["data"]
    before = town.state()
    field = next(iter(wish))
    if field in ("permissions", "models", "networks", "expires_at"):
        changing = ask("PATCH", f"/v1/api-keys/{made['id']}", 403, key=maker, body=wish)
    else:
        changing = ask("PATCH", "/v1/limits", 403, key=maker, body={"level": "key", "owner": made["id"], **wish})
    answer, _ = town.send(changing.raw)
    assert answer.status in (403, 400), answer.body
    assert code_of(answer.body) in ("permission_denied", "invalid_value")
    assert town.state().differences(before) == []


def test_a_key_within_bounds_is_made_and_works(town: Town, maker: str) -> None:
    answer = make(town, maker)
    assert answer.status == 201, answer.body
    key = json.loads(answer.body)["data"]["key"]
    assert town.gateway.chat({"model": "plain", "messages": [{"role": "user", "content": "hi"}]}, key=key).status == 200
    refused = town.gateway.chat({"model": "think", "messages": [{"role": "user", "content": "hi"}]}, key=key)
    assert (refused.status, refused.json["error"]["code"]) == (403, "model_access_denied")
