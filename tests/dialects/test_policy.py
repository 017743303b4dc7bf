"""Policies: what each member wishes, what is refused and why, and a digest that any other program finds as well."""

import hashlib
from typing import Any

import msgspec
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from tallygate.dialects.policy import read_policy
from tallygate.errors import InvalidValue
from tallygate.genai.routing import Routing
from tests.laws.json_text import render

V = {"policy_version": "1.0"}


def read(policy: Any) -> Routing:
    return read_policy(msgspec.json.encode(policy))


def refusal(body: bytes) -> InvalidValue:
    with pytest.raises(InvalidValue) as caught:
        read_policy(body)
    return caught.value


def digest(policy: Any) -> str:
    return hashlib.sha256(rfc8785.dumps(policy)).hexdigest()


def test_a_policy_that_wishes_nothing() -> None:
    assert read(V) == Routing(policy_digest=digest(V))


def test_every_wish() -> None:
    policy: dict[str, Any] = {
        **V,
        "allow_regions": ["eu", "us-east-1"],
        "residency_required": True,
        "attestation": {"attestation_required": False, "require_cc_on": False, "fallback_allowed": True},
        "latency": {"p95_ms_budget": 800, "hard_timeout_ms": 30_000},
        "cost": {"max_price_per_1k_tokens_usd": 0.002, "spot_only": False},
        "privacy": {"store_inputs": False, "redact_pii": False},
    }
    assert read(policy) == Routing(
        regions=("eu", "us-east-1"),
        private=True,
        latency_ms_max=800,
        duration_ms_max=30_000,
        input_pusd_max=2_000_000,
        output_pusd_max=2_000_000,
        policy_digest=digest(policy),
    )


def test_null_is_as_good_as_none() -> None:
    told = read({**V, "cost": None, "privacy": {"store_inputs": None}, "allow_regions": None})
    assert told == Routing(policy_digest=told.policy_digest)


@pytest.mark.parametrize(
    ("text", "pusd"),
    [
        ("0", 0),
        ("0.1", 100_000_000),
        ("0.0021", 2_100_000),
        ("3e-3", 3_000_000),
        ("0.0000000019999999999999999999", 1),  # a binary fraction would say 2
        ("1e-400", 0),
        ("1000000", 10**15),
    ],
)
def test_a_price_is_read_exactly_and_never_upwards(text: str, pusd: int) -> None:
    told = read_policy(f'{{"policy_version":"1","cost":{{"max_price_per_1k_tokens_usd":{text}}}}}'.encode())
    assert (told.input_pusd_max, told.output_pusd_max) == (pusd, pusd)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{}", "policy.policy_version"),
        (b"[]", "policy"),
        (b'"eu"', "policy"),
        (b'{"policy_version":1}', "policy.policy_version"),
        (b'{"policy_version":""}', "policy.policy_version"),
        (b'{"policy_version":"1","region":"eu"}', "policy.region"),
        (b'{"policy_version":"1","cost":{"max_usd":1}}', "policy.cost.max_usd"),
        (
            b'{"policy_version":"1","cost":{"max_price_per_1k_tokens_usd":-1}}',
            "policy.cost.max_price_per_1k_tokens_usd",
        ),
        (
            b'{"policy_version":"1","cost":{"max_price_per_1k_tokens_usd":"NaN"}}',
            "policy.cost.max_price_per_1k_tokens_usd",
        ),
        (
            b'{"policy_version":"1","cost":{"max_price_per_1k_tokens_usd":1e7}}',
            "policy.cost.max_price_per_1k_tokens_usd",
        ),
        (b'{"policy_version":"1","latency":{"hard_timeout_ms":0}}', "policy.latency.hard_timeout_ms"),
        (b'{"policy_version":"1","latency":{"p95_ms_budget":1.5}}', "policy.latency.p95_ms_budget"),
        (b'{"policy_version":"1","allow_regions":["eu",7]}', "policy.allow_regions[1]"),
        (b'{"policy_version":"1","privacy":true}', "policy.privacy"),
        (b'{"policy_version":"1","policy_version":"1"}', "policy"),
        (b'{"policy_version":"1","privacy":{"store_inputs":false,"store_inputs":true}}', "policy"),
        (b'{"policy_version":"1","cost":{"spot_only":true}}', "policy.cost.spot_only"),
        (b'{"policy_version":"1","privacy":{"redact_pii":true}}', "policy.privacy.redact_pii"),
        (b'{"policy_version":"1","allow_regions":["' + b"e" * 70_000 + b'"]}', "policy"),
    ],
)
def test_an_invalid_policy(body: bytes, param: str) -> None:
    error = refusal(body)
    assert (error.param, error.details) == (param, {"reject_reason": "INVALID_POLICY"})
    assert error.message


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"attestation": {"attestation_required": True}}, "ATTESTATION_REQUIRED_NOT_SUPPORTED"),
        (
            {"attestation": {"attestation_required": True, "fallback_allowed": True}},
            "ATTESTATION_REQUIRED_NOT_SUPPORTED",
        ),
        ({"attestation": {"require_cc_on": True}}, "CC_ON_REQUIRED_NOT_SUPPORTED"),
        ({"residency_required": True}, "RESIDENCY_REQUIRED_NOT_SUPPORTED"),
        ({"allow_regions": []}, "REGION_NOT_ALLOWED"),
    ],
)
def test_what_nobody_here_can_keep(more: dict[str, Any], reason: str) -> None:
    assert refusal(msgspec.json.encode({**V, **more})).details == {"reject_reason": reason}


@given(data=st.data())
def test_the_digest_does_not_mind_how_a_policy_is_written(data: st.DataObject) -> None:
    policy = {**V, "allow_regions": ["eu", "é"], "cost": {"max_price_per_1k_tokens_usd": 0.25}}
    members = dict(data.draw(st.permutations(list(policy.items()))))
    assert read_policy(data.draw(render(members))).policy_digest == digest(policy)
