"""Clients that are built on the official SDKs, each in its own environment, in front of a provider of either dialect.

Each plays once per provider, in a process of its own, and every feature is one test here. Only `make test-clients`
installs them.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.contract.compatibility import UPSTREAMS, tried
from tests.contract.gateway import Gateway
from tests.contract.market import CLAUDES, MODELS, check_money, settle_client
from tests.contract.tenants import Tenant
from tests.fakes.process import ROOT
from tests.fakes.upstream import Upstream

pytestmark = pytest.mark.clients

PLAY_TIMEOUT_S = 110
QUIET = {
    "ANONYMIZED_TELEMETRY": "false",
    "DO_NOT_TRACK": "1",
    "LANGSMITH_TRACING": "false",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
}
PLAYERS = {
    "anthropic (Python)": ("", "official_player:Anthropic"),
    "openai (Python)": ("", "official_player:OpenAI"),
    "LangChain, ChatOpenAI": ("agents", "langchain_player:ChatCompletions"),
    "LangChain, ChatOpenAI with Responses": ("agents", "langchain_player:Responses"),
    "LangChain, ChatAnthropic": ("agents", "langchain_player:Messages"),
    "LlamaIndex, OpenAILike": ("frameworks", "llamaindex_player:ChatCompletions"),
    "LlamaIndex, Anthropic": ("frameworks", "llamaindex_player:Messages"),
    "instructor, from_anthropic": ("frameworks", "instructor_player:Messages"),
    "instructor, from_openai": ("frameworks", "instructor_player:ChatCompletions"),
    "litellm, anthropic/…": ("frameworks", "litellm_player:Messages"),
    "litellm, openai/…": ("frameworks", "litellm_player:ChatCompletions"),
    "openrouter (Python)": ("agents", "openrouter_player:Chat"),
    "pydantic-ai, AnthropicModel": ("agents", "pydantic_player:Messages"),
    "pydantic-ai, OpenAIChatModel": ("agents", "pydantic_player:ChatCompletions"),
    "pydantic-ai, OpenAIResponsesModel": ("agents", "pydantic_player:Responses"),
}
"""What a client is called, the environment it lives in (its name is empty for that of the tests), and its player."""

FEATURES = ("answer", "stream", "tools", "structure", "usage", "401", "402")
DIFFERENT = {
    "anthropic (Python)": ("usage", "402"),
    "openai (Python)": ("usage", "402"),
    "instructor, from_anthropic": ("stream", "structure", "usage", "401", "402"),
    "instructor, from_openai": ("stream", "structure", "usage", "401", "402"),
    "openrouter (Python)": (*FEATURES, "models"),
}
"""Which offer less or more."""

SCENES = [(client, feature) for client in PLAYERS for feature in DIFFERENT.get(client, FEATURES)]


class Played(NamedTuple):
    """How a client played: what it told, and whose money and journal show what it did."""

    told: dict[str, Any]
    tenant: Tenant
    upstream: Upstream
    opening: str


Play = Callable[[str, str], Played]


@pytest.fixture(scope="module")
def play(
    market: Gateway, poor_key: str, served_by: dict[str, Upstream], tmp_path_factory: pytest.TempPathFactory
) -> Play:
    """Lets a client play before a provider, once."""

    @cache
    def play_once(client: str, dialect: str) -> Played:
        environment, player = PLAYERS[client]
        tenant = settle_client(market, player, dialect)
        opening = f"{player}/{dialect}"
        keys = {"key": tenant.key, "poor_key": poor_key}
        models = {"model": MODELS[dialect], "claude": CLAUDES[dialect]}
        stage = {"url": market.url, **keys, "upstream": dialect, **models, "opening": opening}
        told = run_player(environment, player, stage, tmp_path_factory.mktemp("player"))
        return Played(told, tenant, served_by[dialect], opening)

    return play_once


def run_player(environment: str, player: str, stage: dict[str, str], home: Path) -> dict[str, Any]:
    """What a player tells, from its own environment and with a home of its own."""
    python = ROOT / f".venv-{environment}" / "bin" / "python" if environment else Path(sys.executable)
    assert python.exists(), f"{python} is missing: `make test-clients` installs it"
    done = subprocess.run(
        [python, "-m", "tests.contract.players.play", player],
        input=json.dumps(stage),
        capture_output=True,
        text=True,
        timeout=PLAY_TIMEOUT_S,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT), **QUIET},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


clients = pytest.mark.parametrize("client", PLAYERS)
dialects = pytest.mark.parametrize("dialect", UPSTREAMS)


@dialects
@pytest.mark.parametrize(("client", "feature"), SCENES)
def test_what_a_client_can_do(play: Play, client: str, dialect: str, feature: str) -> None:
    told = play(client, dialect).told
    result = told["report"][feature]
    with tried(client, told["version"], dialect, feature, instead=result["instead"]):
        assert result["error"] is None, result["error"]


@clients
@dialects
def test_what_it_did_is_paid_and_has_its_receipts(play: Play, client: str, dialect: str) -> None:
    played = play(client, dialect)
    with tried(client, played.told["version"], dialect, "money"):
        check_money(played.tenant, played.upstream, played.opening)


@clients
@dialects
def test_it_asks_nobody_else(play: Play, client: str, dialect: str) -> None:
    assert play(client, dialect).told["strangers"] == []
