"""The clients from npm against a gateway that sells models of two providers, each of which speaks another language.

Each client plays all its scenarios in one process; each scenario is one test here. Then its account is looked at.
Only `make test-clients` installs the clients.
"""

from collections.abc import Callable, Generator
from decimal import Decimal
from functools import cache

import pytest

from tests.contract import npm_clients
from tests.contract.compatibility import FEATURES, UPSTREAMS, tried
from tests.contract.gateway import Gateway, clean_env, start_gateway
from tests.contract.npm_clients import CLIENTS, MODELS, Played
from tests.fakes.upstream import PROVIDER_KEY, Upstream

pytestmark = pytest.mark.clients

Play = Callable[[str, str], Played]
SPEAKS = {
    "openai_chat": '{ openai_chat = "/v1/chat/completions", openai_embeddings = "/v1/embeddings" }',
    "anthropic_messages": '{ anthropic_messages = "/v1/messages" }',
}
PRICE = 'price = { input = "1.00", output = "2.00" }\n'


@pytest.fixture(scope="module")
def shop(
    upstream: Upstream, anthropic_upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Gateway]:
    """A gateway whose models have prices."""
    folder = tmp_path_factory.mktemp("shop")
    labs = {"openai_chat": ("lab", upstream), "anthropic_messages": ("anlab", anthropic_upstream)}
    told = "".join(
        f'[providers.{name}]\nbase_url = "{running.url}"\nspeaks = {SPEAKS[dialect]}\napi_key_env = "LAB_KEY"\n'
        for dialect, (name, running) in labs.items()
    )
    told += "".join(
        f'[models."{model}"]\ntargets = ["{name}/up-{model[3:]}"]\n{PRICE}'
        for dialect, (name, _) in labs.items()
        for model in MODELS[dialect].values()
    )
    (folder / "tallygate.toml").write_text(told)
    with start_gateway(clean_env(folder, LAB_KEY=PROVIDER_KEY), "--config", str(folder / "tallygate.toml")) as running:
        yield running


@pytest.fixture(scope="module")
def play(shop: Gateway) -> Play:
    """What a client did in front of a provider, played once."""
    return cache(lambda client, upstream: npm_clients.play(client, upstream, shop))


upstreams = pytest.mark.parametrize("upstream_dialect", UPSTREAMS)


@pytest.mark.parametrize(
    ("client", "scenario", "upstream_dialect"),
    [
        (client, scenario, upstream)
        for client, known in CLIENTS.items()
        for upstream in UPSTREAMS
        for scenario in known.list_scenarios(upstream)
    ],
)
def test_a_client_does_what_its_users_do(client: str, scenario: str, upstream_dialect: str, play: Play) -> None:
    played = play(client, upstream_dialect)
    feature = scenario.removeprefix("error_").partition("_")[0]
    assert feature in FEATURES
    instead = CLIENTS[client].instead.get(scenario, "")
    with tried(CLIENTS[client].name, played.version, upstream_dialect, feature, instead=instead):
        assert played.report[scenario] == ""


@upstreams
@pytest.mark.parametrize("client", CLIENTS)
def test_each_call_was_paid_once_and_has_its_receipt(client: str, upstream_dialect: str, play: Play) -> None:
    played = play(client, upstream_dialect)
    with tried(CLIENTS[client].name, played.version, upstream_dialect, "money"):
        tenant = played.tenant
        credit = tenant.read("/v1/credits")
        assert credit["held_nusd"] == 0
        used = tenant.read("/v1/usage?group_by=model")
        receipts = tenant.send("GET", "/v1/receipts?limit=1000").json["receipts"]
        bodies = [entry["receipt"] for entry in receipts]
        assert [body["subject"]["seq"] for body in bodies] == list(range(1, len(bodies) + 1))
        assert len(bodies) == sum(row["calls"] for row in used) > len(CLIENTS[client].list_scenarios(upstream_dialect))
        assert {body["response"]["status"] for body in bodies} == {"ok"}
        assert {body["charge"]["basis"] for body in bodies} == {"usage"}
        charged_nusd = sum(int(body["charge"]["amount"]) for body in bodies)
        assert charged_nusd == sum(row["charged_nusd"] for row in used) > 0
        assert credit["total_usage"] == Decimal(charged_nusd) / 10**9
