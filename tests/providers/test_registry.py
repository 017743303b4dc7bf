"""Which providers there are for given settings and environments, and what is said about each."""

from pathlib import Path

import pytest
from msgspec import structs

from tallygate.genai.catalog import Offer
from tallygate.genai.secret import Secret
from tallygate.providers.base import Found, Missing, Provider
from tallygate.providers.ollama import ROW as OLLAMA
from tallygate.providers.registry import Providers, load, load_rows
from tallygate.providers.settings import ProviderSettings

SPEAKS = {"openai_chat": "/v1/chat/completions"}
LAB = ProviderSettings(base_url="http://lab:8000/", speaks=SPEAKS, api_key_env="LAB_KEY")
CLOUD_KEYS = {"OPENAI_API_KEY": "sk-a", "GEMINI_API_KEY": "g", "OPENROUTER_API_KEY": "or"}


def reasons(providers: Providers) -> dict[str, str]:
    return {item.name: item.reason for item in providers.missing} | {
        item.provider.name: item.reason for item in providers.found
    }


def test_every_file_with_a_row_is_found_by_its_name() -> None:
    rows = load_rows()
    names = "anthropic gemini llamacpp lmstudio mock ollama openai openrouter vllm"
    assert set(rows) == set(names.split())
    assert all(name == row.name for name, row in rows.items())


@pytest.mark.parametrize("row", load_rows().values(), ids=lambda row: row.name)
def test_a_row_says_everything_it_must(row: Provider) -> None:
    assert row.title
    assert row.speaks
    assert all(path.startswith("/") for path in row.speaks.values())
    assert row.key is None
    assert not row.base_url.endswith("/")
    # How it comes to be there: by a key, by a look at this machine, or because it is built in.
    assert sum((bool(row.key_env), row.engine is not None, row.serve is not None)) == 1
    assert row.serve is not None or row.base_url.startswith("https://" if row.key_env else "http://127.0.0.1:")


def test_a_provider_appears_with_its_key() -> None:
    providers = load({}, {"OPENAI_API_KEY": "sk-a"})
    assert [item.provider.name for item in providers.found] == ["openai"]
    assert providers.rows["openai"].key == Secret("sk-a")
    assert reasons(providers) == {
        "anthropic": "ANTHROPIC_API_KEY is not set",
        "openai": "OPENAI_API_KEY is set",
        "gemini": "GEMINI_API_KEY is not set",
        "openrouter": "OPENROUTER_API_KEY is not set",
    }
    assert all(offer.provider == "openai" and offer.quality == "real" and offer.bare for offer in providers.offers)
    assert providers.offers


def test_a_key_of_this_gateway_opens_no_provider() -> None:
    """Whoever points a client at us sets OPENAI_API_KEY to a key of ours, often in the shell that starts us."""
    providers = load({}, {"OPENAI_API_KEY": "lx-abc"}, own_key_prefix="lx-")
    assert reasons(providers)["openai"] == "OPENAI_API_KEY holds a key of this gateway, which opens no provider"


def test_the_base_url_of_clients_is_not_that_of_the_provider() -> None:
    providers = load({}, {"OPENAI_API_KEY": "sk-a", "OPENAI_BASE_URL": "http://127.0.0.1:8255/v1"})
    assert providers.rows["openai"].base_url == "https://api.openai.com"


def test_a_provider_nobody_has_heard_of() -> None:
    providers = load({"lab": LAB}, {"LAB_KEY": "k"})
    lab = providers.rows["lab"]
    assert (lab.base_url, dict(lab.speaks), lab.auth, lab.key) == ("http://lab:8000", SPEAKS, "bearer", Secret("k"))
    assert reasons(providers)["lab"] == "is in the settings"


@pytest.mark.parametrize(
    ("settings", "environ", "reason"),
    [
        (LAB, {}, "LAB_KEY is not set"),
        (LAB, {"LAB_KEY": "a b"}, "LAB_KEY holds characters that no key has"),
        (ProviderSettings(base_url="http://lab"), {}, "providers.lab.speaks is needed"),
        (
            ProviderSettings(base_url="http://lab", speaks=SPEAKS, api_key_file=Path("/nowhere/at/all")),
            {},
            "api_key_file names a file that cannot be read: No such file or directory",
        ),
    ],
)
def test_a_configured_provider_that_cannot_be_called(
    settings: ProviderSettings, environ: dict[str, str], reason: str
) -> None:
    providers = load({"lab": settings}, environ)
    assert "lab" not in providers.rows
    assert reasons(providers)["lab"].startswith(reason)


def test_settings_replace_what_they_name_and_leave_the_rest() -> None:
    own = ProviderSettings(
        base_url="https://proxy.example/openai",
        headers={"x-team": "r"},
        output_cap_key="max_tokens",
        stream_usage=False,
        auth="x-api-key",
    )
    row = load({"openai": own}, {"OPENAI_API_KEY": "sk-a"}).rows["openai"]
    usual = load_rows()["openai"]
    assert row == structs.replace(
        usual,
        base_url="https://proxy.example/openai",
        headers={"x-team": "r"},
        output_cap_key="max_tokens",
        stream_usage=False,
        auth="x-api-key",
        key=Secret("sk-a"),
    )


def test_a_key_from_elsewhere_replaces_the_usual_variable(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("sk-file")
    by_name = load({"openai": ProviderSettings(api_key_env="WORK_KEY")}, {"OPENAI_API_KEY": "sk-a", "WORK_KEY": "sk-w"})
    assert by_name.rows["openai"].key == Secret("sk-w")
    by_file = load({"openai": ProviderSettings(api_key_file=file)}, {"OPENAI_API_KEY": "sk-a"})
    assert by_file.rows["openai"].key == Secret("sk-file")
    without = load({"openai": ProviderSettings(auth="none")}, {"OPENAI_API_KEY": "sk-a"})
    assert without.rows["openai"].key is None


def test_an_engine_elsewhere_needs_only_its_address() -> None:
    row = load({"ollama": ProviderSettings(base_url="http://gpu:11434")}, {}).rows["ollama"]
    assert (row.base_url, row.auth, row.key) == ("http://gpu:11434", "none", None)
    keyed = load({"vllm": ProviderSettings(base_url="http://gpu:8000", api_key_env="V")}, {"V": "k"}).rows["vllm"]
    assert (keyed.auth, keyed.key) == ("bearer", Secret("k"))


def test_a_server_of_ones_own_can_be_free_and_an_engine_here_can_be_billed() -> None:
    own = ProviderSettings(base_url="http://lab", speaks={"openai_chat": "/v1"})
    assert not load({"lab": own}, {}).rows["lab"].free
    assert load({"lab": structs.replace(own, free=True)}, {}).rows["lab"].free
    engine = ProviderSettings(base_url="http://gpu:11434")
    assert load({"ollama": engine}, {}).rows["ollama"].free
    assert not load({"ollama": structs.replace(engine, free=False)}, {}).rows["ollama"].free


def test_test_models_stand_in_only_while_there_is_nothing_else_or_when_asked_for() -> None:
    alone = load({}, {})
    assert list(alone.rows) == ["mock"]
    assert reasons(alone)["mock"] == "no other provider was found"
    assert {offer.quality for offer in alone.offers} == {"test"}
    assert "mock" not in load({}, CLOUD_KEYS).rows
    asked = load({}, CLOUD_KEYS, demo=True)
    assert list(asked.rows) == ["gemini", "openai", "openrouter", "mock"]
    assert reasons(asked)["mock"] == "asked for by --demo"


OLLAMA_OFFERS = (Offer("ollama", "gemma3"),)
SEEN_OLLAMA = Found(OLLAMA, "answers on port 11434 of this machine", OLLAMA_OFFERS)
NO_VLLM = Missing("vllm", "vLLM", "nothing answers on port 8000 of this machine")


def test_what_was_seen_on_this_machine_joins_what_was_configured() -> None:
    providers = load({}, {"OPENAI_API_KEY": "sk-a"}).joined([SEEN_OLLAMA, NO_VLLM])
    assert list(providers.rows) == ["openai", "ollama"]
    assert OLLAMA_OFFERS[0] in providers.offers
    assert reasons(providers)["vllm"] == "nothing answers on port 8000 of this machine"


def test_a_later_look_replaces_an_earlier_one() -> None:
    gone = Missing("ollama", "Ollama", "nothing answers on port 11434 of this machine")
    providers = load({}, {}).joined([SEEN_OLLAMA, NO_VLLM]).joined([gone, NO_VLLM])
    assert list(providers.rows) == ["mock"]
    assert reasons(providers)["ollama"] == "nothing answers on port 11434 of this machine"


def test_a_configured_engine_is_kept_though_it_was_not_seen_and_gains_its_models_when_it_is() -> None:
    providers = load({"ollama": ProviderSettings(base_url="http://localhost:9000")}, {})
    gone = Missing("ollama", "Ollama", "nothing answers on port 9000 of this machine")
    assert "ollama" in providers.joined([gone]).rows
    assert providers.joined([gone]).missing == providers.missing
    assert providers.joined([SEEN_OLLAMA]).offers == OLLAMA_OFFERS


def test_an_engine_whose_settings_are_wrong_is_not_used_behind_their_back() -> None:
    providers = load({"ollama": ProviderSettings(api_key_env="ABSENT")}, {}).joined([SEEN_OLLAMA])
    assert "ollama" not in providers.rows
    assert reasons(providers)["ollama"] == "ABSENT is not set"
