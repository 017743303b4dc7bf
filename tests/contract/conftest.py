"""One provider process and one gateway process for all contract tests, and keys made by the command line.

Tests share them: whatever a test sends bears its own text, by which it finds itself in the provider's journal.
"""

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.contract.gateway import Gateway, clean_env, start_gateway
from tests.fakes.upstream import PROVIDER_KEY, Upstream, start_upstream

LAB_MODELS = (
    *("up-echo", "up-think", "up-interleaved", "labs/up-slash", "up-slow", "up-silent", "up-steady", "up-gated"),
    *("up-break-after-0", "up-break-after-3", "up-cut-after-0", "up-cut-after-3", "up-stall-after-3", "up-gated-break"),
    *("up-error-midstream", "up-nodone", "up-tiny-writes", "up-usage-unasked", "up-gzip"),
    *("up-400", "up-401", "up-403", "up-404", "up-429", "up-500", "up-503", "up-html", "up-bad-json", "up-redirect"),
)


def configuration(upstream: Upstream) -> str:
    """A configuration file that knows the provider as `lab`, and its models by their own names."""
    models = "".join(f'[models."{name}"]\ntargets = ["lab/{name}"]\n' for name in LAB_MODELS)
    return (
        f'[providers.lab]\nbase_url = "{upstream.url}"\n'
        'speaks = { openai_chat = "/v1/chat/completions" }\napi_key_env = "LAB_KEY"\n'
        f'{models}[models.renamed]\ntargets = ["lab/up-echo"]\n'
    )


@pytest.fixture(scope="session")
def upstream() -> Generator[Upstream]:
    """The provider every `up-…` model is served by."""
    with start_upstream() as running:
        yield running


@pytest.fixture(scope="session")
def gateway(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Generator[Gateway]:
    """A gateway in front of that provider, with the `mock/*` models beside it."""
    folder = tmp_path_factory.mktemp("gateway")
    config = write_configuration(folder, upstream)
    with start_gateway(clean_env(folder, LAB_KEY=PROVIDER_KEY), "--config", str(config), "--demo") as running:
        yield running


def write_configuration(folder: Path, upstream: Upstream) -> Path:
    """The configuration file in a folder."""
    path = folder / "tallygate.toml"
    path.write_text(configuration(upstream))
    return path
