"""A provider process of each language, one gateway process for all contract tests, and keys made by the command line.

Tests share them: whatever a test sends bears its own text, by which it finds itself in the provider's journal.
"""

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.contract.compatibility import write_tried
from tests.contract.gateway import Gateway, clean_env, start_gateway
from tests.contract.market import price_list, settle_poor
from tests.contract.tenants import PRICED
from tests.fakes.upstream import PROVIDER_KEY, Upstream, start_upstream

LAB_MODELS = (
    *("up-echo", "up-think", "up-interleaved", "labs/up-slash", "up-slow", "up-silent", "up-steady", "up-gated"),
    *("up-break-after-0", "up-break-after-3", "up-cut-after-0", "up-cut-after-3", "up-stall-after-3", "up-gated-break"),
    *("up-break-after-5", "up-cut-after-5", "up-stall-after-5", "up-529"),
    *("up-error-midstream", "up-nodone", "up-tiny-writes", "up-usage-unasked", "up-gzip"),
    *("up-400", "up-401", "up-403", "up-404", "up-429", "up-500", "up-503", "up-html", "up-bad-json", "up-redirect"),
)
# Models of the lab that speaks Anthropic's language: `an-…` here, `up-…` there.
ANTHROPIC_LAB_MODELS = (
    *("echo", "think", "redact", "cite", "search", "refuse", "slow", "silent", "steady", "gated", "tiny-writes"),
    *("break-after-5", "cut-after-5", "stall-after-5", "error-midstream", "gzip", "html", "bad-json"),
    *("400", "401", "429", "500", "529"),
)

PRICE = 'price = "free"\n'
"""What a call may hold is not the matter here: a model with a price refuses what cannot be bounded."""


def configuration(upstream: Upstream, anthropic_upstream: Upstream) -> str:
    """A configuration file that knows the providers as `lab` and `anlab`, each speaking one language only."""
    models = "".join(f'[models."{name}"]\ntargets = ["lab/{name}"]\n{PRICE}' for name in LAB_MODELS)
    models += "".join(f'[models."an-{name}"]\ntargets = ["anlab/up-{name}"]\n{PRICE}' for name in ANTHROPIC_LAB_MODELS)
    return (
        f'[providers.lab]\nbase_url = "{upstream.url}"\n'
        'speaks = { openai_chat = "/v1/chat/completions" }\napi_key_env = "LAB_KEY"\n'
        f'[providers.anlab]\nbase_url = "{anthropic_upstream.url}"\n'
        'speaks = { anthropic_messages = "/v1/messages" }\napi_key_env = "LAB_KEY"\n'
        f'{models}[models.renamed]\ntargets = ["lab/up-echo"]\n{PRICE}'
        f'[models.claude-lab]\ntargets = ["anlab/claude-lab"]\n{PRICE}'
        f'[models.blind]\ntargets = ["lab/up-echo"]\naliases = ["claude-blind"]\n{PRICE}'
        "capabilities = { vision = false, json_mode = false, tools = true }\n"
        f'[models.gpt-6-sol]\ntargets = ["lab/up-echo"]\n{PRICE}'
        f'[models.gpt-6-luna]\ntargets = ["anlab/up-echo"]\n{PRICE}'
    )


def pytest_sessionfinish(exitstatus: int) -> None:
    """Keep what clients were seen to do."""
    write_tried(exitstatus)


@pytest.fixture(scope="session")
def upstream() -> Generator[Upstream]:
    """The provider every `up-…` model is served by."""
    with start_upstream() as running:
        yield running


@pytest.fixture(scope="session")
def anthropic_upstream() -> Generator[Upstream]:
    """The provider every `an-…` model is served by."""
    with start_upstream("anthropic_provider") as running:
        yield running


@pytest.fixture(scope="session")
def gateway(
    upstream: Upstream, anthropic_upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Gateway]:
    """A gateway in front of those providers, with the `mock/*` models beside them."""
    folder = tmp_path_factory.mktemp("gateway")
    config = write_configuration(folder, upstream, anthropic_upstream)
    with start_gateway(clean_env(folder, LAB_KEY=PROVIDER_KEY), "--config", str(config), "--demo") as running:
        yield running


def write_configuration(folder: Path, upstream: Upstream, anthropic_upstream: Upstream) -> Path:
    """The configuration file in a folder."""
    path = folder / "tallygate.toml"
    path.write_text(configuration(upstream, anthropic_upstream))
    return path


@pytest.fixture
def priced_env(empty_database_url: str, upstream: Upstream, tmp_path: Path) -> dict[str, str]:
    """The environment of a gateway on each engine, with one model that has a price."""
    config = tmp_path / "tallygate.toml"
    config.write_text(f'[providers.lab]\nbase_url = "{upstream.url}"\n{PRICED}')
    return clean_env(
        tmp_path, LAB_KEY=PROVIDER_KEY, TALLYGATE_DATABASE_URL=empty_database_url, TALLYGATE_CONFIG=str(config)
    )


@pytest.fixture
def priced_gateway(priced_env: dict[str, str]) -> Generator[Gateway]:
    """That gateway, running."""
    with start_gateway(priced_env) as running:
        yield running


@pytest.fixture(scope="session")
def served_by(upstream: Upstream, anthropic_upstream: Upstream) -> dict[str, Upstream]:
    """The providers by the dialect they speak."""
    return {"openai_chat": upstream, "anthropic_messages": anthropic_upstream}


@pytest.fixture(scope="session")
def market(served_by: dict[str, Upstream], tmp_path_factory: pytest.TempPathFactory) -> Generator[Gateway]:
    """A gateway that sells what both providers serve."""
    folder = tmp_path_factory.mktemp("market")
    config = folder / "tallygate.toml"
    config.write_text(price_list({dialect: provider.url for dialect, provider in served_by.items()}))
    with start_gateway(clean_env(folder, LAB_KEY=PROVIDER_KEY), "--config", str(config)) as running:
        yield running


@pytest.fixture(scope="session")
def poor_key(market: Gateway) -> str:
    """A key of that gateway whose workspace has no money."""
    return settle_poor(market)
