"""What is said about settings that cannot be meant."""

from pathlib import Path

import pytest

from tallygate.providers.base import Provider
from tallygate.providers.complaints import find_complaints
from tallygate.providers.mock import ROW as MOCK
from tallygate.providers.openai import ROW as OPENAI
from tallygate.providers.settings import ProviderSettings

KNOWN: dict[str, Provider] = {"openai": OPENAI, "mock": MOCK}
DIALECTS = ("openai_chat", "ollama")
SPEAKS = {"openai_chat": "/v1/chat/completions"}
LAB = ProviderSettings(base_url="http://lab:8000", speaks=SPEAKS)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("lab", LAB),
        ("my-lab.2", LAB),
        ("openai", ProviderSettings()),
        ("openai", ProviderSettings(base_url="https://proxy.example/openai")),
        ("lab", ProviderSettings(base_url="http://[::1]:8000", speaks=SPEAKS, headers={"X-Team": "a b"})),
        ("lab", ProviderSettings(base_url="http://lab", speaks=SPEAKS, auth="x-api-key", api_key_env="LAB")),
    ],
)
def test_nothing_is_said_about_what_is_fine(name: str, settings: ProviderSettings) -> None:
    assert find_complaints({name: settings}, KNOWN, DIALECTS) == []


@pytest.mark.parametrize(
    ("name", "settings", "path", "sentence"),
    [
        ("Lab", LAB, "providers.Lab", "small letters"),
        ("a/b", LAB, "providers.a/b", "small letters"),
        ("mock", ProviderSettings(), "providers.mock", "taken by the built-in test provider"),
        ("lab", ProviderSettings(speaks=SPEAKS), "providers.lab.base_url", "is needed"),
        ("lab", ProviderSettings(base_url="http://lab"), "providers.lab.speaks", "which dialect is spoken where"),
        (
            "lab",
            ProviderSettings(base_url="http://lab", speaks={"openai": "/v1"}),
            "providers.lab.speaks.openai",
            'there is no dialect "openai" here; there is ollama, openai_chat',
        ),
        (
            "openai",
            ProviderSettings(api_key_env="A", api_key_file=Path("/b")),
            "providers.openai.api_key_file",
            "not by both",
        ),
        ("openai", ProviderSettings(auth="none", api_key_env="A"), "providers.openai.auth", "sends no key"),
        (
            "openai",
            ProviderSettings(headers={"Authorization": "Bearer x"}),
            "providers.openai.headers.Authorization",
            "put it into a variable",
        ),
        ("openai", ProviderSettings(headers={"host": "x"}), "providers.openai.headers.host", "set by the gateway"),
        ("openai", ProviderSettings(headers={"a b": "x"}), "providers.openai.headers.a b", "not a header"),
        ("openai", ProviderSettings(headers={"a": "x\r\nb: c"}), "providers.openai.headers.a", "not a header"),
        ("openai", ProviderSettings(headers={"a": ""}), "providers.openai.headers.a", "not a header"),
    ],
)
def test_each_mistake_is_named_with_its_place(name: str, settings: ProviderSettings, path: str, sentence: str) -> None:
    complaints = find_complaints({name: settings}, KNOWN, DIALECTS)
    assert [complaint.path for complaint in complaints] == [path]
    assert sentence in complaints[0].sentence


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://lab:port", "not a URL"),
        ("http://lab:99999", "not a URL"),
        ("http://lab:0", "not a URL"),
        ("http://:8000", "not a URL"),
        ("http://[::1", "not a URL"),
        ("http://a b", "not a URL"),
        ("http://lab\\@other", "not a URL"),
        ("http://lab/\n", "not a URL"),
        ("http://läb", "not a URL"),
        ("https://me:secret@lab", "holds a user name or password"),
        ("https://lab/v1?key=secret", "query"),
        ("https://lab/v1#x", "query"),
        ("https://lab/v1?", "query"),
    ],
)
def test_an_address_that_cannot_be_called(url: str, sentence: str) -> None:
    complaints = find_complaints({"lab": ProviderSettings(base_url=url, speaks=SPEAKS)}, KNOWN, DIALECTS)
    assert [complaint.path for complaint in complaints] == ["providers.lab.base_url"]
    assert sentence in complaints[0].sentence
    assert "secret" not in complaints[0].sentence
