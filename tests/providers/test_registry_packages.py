"""Providers of installed packages: a sound one can be called, a broken one says why and stops nobody."""

from pathlib import Path

import msgspec
import pytest

from tests.fixtures.packages import install_example, offer, run_beside

TELL = """
import msgspec, os, sys
from tallygate.providers.registry import load
loaded = load({}, os.environ)
found = {item.provider.name: [offer.model for offer in item.offers] for item in loaded.found}
missing = {item.name: item.reason for item in loaded.missing}
sys.stdout.buffer.write(msgspec.json.encode([found, missing]))
"""
GROUP = "tallygate.providers"
ROW = """
from tallygate.providers.base import Provider
ROW = Provider(name={name!r}, title="x", base_url={url!r}, speaks={speaks})
"""
CHAT = {"openai_chat": "/v1/chat/completions"}


def tell(folder: Path, **environ: str) -> tuple[dict[str, list[str]], dict[str, str]]:
    """What can be called, and what cannot and why."""
    done = run_beside(folder, "-c", TELL, **environ)
    assert done.returncode == 0, done.stderr
    found, missing = msgspec.json.decode(done.stdout)
    return found, missing


def test_the_example_is_a_provider_once_it_is_installed(tmp_path: Path) -> None:
    folder = install_example("provider-package", tmp_path / "site")
    found, _ = tell(folder, ACME_API_KEY="a-key")
    assert found["acme"] == ["acme-large", "acme-small"]
    found, missing = tell(folder)
    assert "acme" not in found
    assert missing["acme"] == "ACME_API_KEY is not set"
    found, missing = tell(tmp_path, ACME_API_KEY="a-key")
    assert "acme" not in {*found, *missing}


def test_its_settings_are_those_of_any_provider(tmp_path: Path) -> None:
    folder = install_example("provider-package", tmp_path / "site")
    (folder / "tallygate.toml").write_text('[providers.acme]\nbase_url = "http://lab:8000"\n')
    good = run_beside(folder, "-m", "tallygate", "check")
    assert good.returncode == 0, good.stderr
    (folder / "tallygate.toml").write_text('[models.big]\ntargets = ["acme/acme-large", "acmee/x"]\n')
    bad = run_beside(folder, "-m", "tallygate", "check")
    assert bad.returncode == 1
    assert 'there is no provider "acmee"; did you mean "acme"?' in bad.stdout + bad.stderr


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import nowhere", "the package lab cannot be loaded: ModuleNotFoundError: No module named 'nowhere'"),
        ("raise SystemError('no')", "the package lab cannot be loaded: SystemError: no"),
        ("ROW = 1", "the package lab offers no row of a provider under this name"),
        ("", "the package lab cannot be loaded: AttributeError"),
        (ROW.format(name="ollama", url="http://x", speaks=CHAT), "which is taken"),
        (ROW.format(name="Lab", url="http://x", speaks=CHAT), "a provider's name is made of small letters"),
        (ROW.format(name="lab", url="x", speaks=CHAT), "is not a URL that can be called"),
        (ROW.format(name="lab", url="http://x", speaks={"latin": "/"}), 'there is no dialect "latin" here'),
    ],
)
def test_a_broken_package_says_why_and_stops_nobody(tmp_path: Path, source: str, reason: str) -> None:
    offer(tmp_path, GROUP, "lab", "lab_row:ROW", source)
    offer(tmp_path, GROUP, "sound", "sound_row:ROW", ROW.format(name="sound", url="http://x", speaks=CHAT))
    _, missing = tell(tmp_path)
    assert reason in missing["lab"]
    assert "sound" not in missing
