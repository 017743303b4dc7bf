"""Reading the configuration again: what counts, what waits, and what is refused."""

from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from tallygate.app.renewal import RENEWED, Renewal
from tallygate.config import ConfigError, Settings, resolve

LAB = '[providers.lab]\nbase_url = "http://lab"\nspeaks = { openai_chat = "/v1" }\n'


@pytest.fixture
def renewal(tmp_path: Path) -> Generator[Renewal]:
    (tmp_path / "tallygate.toml").write_text(LAB)
    environ = {"TALLYGATE_DATA": str(tmp_path), "TALLYGATE_RECEIPTS__ISSUER_FILE": str(tmp_path / "issuer")}
    (tmp_path / "issuer").write_text("The Lab")
    with closing(Renewal(resolve(environ=environ, folder=tmp_path))) as made:
        yield made


def write(renewal: Renewal, text: str) -> None:
    file = renewal.first.file
    assert file is not None
    file.write_text(text)


def test_everything_that_is_renewed_is_a_setting() -> None:
    assert set(RENEWED) <= {field.name for field in msgspec.structs.fields(Settings)}


def test_what_counts_at_once_and_what_waits(renewal: Renewal) -> None:
    write(renewal, 'log_level = "debug"\n' + LAB + '[server]\nport = 1\n[models.m]\ntargets = ["lab/m"]\n')
    edition = renewal.issue()
    assert edition.number == 2
    now = renewal.resolve(edition)
    held = renewal.hold_back(now.settings)
    assert (held.log_level, list(held.models), held.server.port) == ("debug", ["m"], 8255)
    changes = renewal.compare(renewal.first, now)
    assert (changes.renewed, changes.waiting) == (("log_level", "models.m.targets"), ("server.port",))
    assert renewal.compare(now, now).renewed == ()
    assert renewal.compare(now, now).waiting == ("server.port",)


def test_what_is_gone_has_changed_too(renewal: Renewal) -> None:
    write(renewal, "")
    changes = renewal.compare(renewal.first, renewal.resolve(renewal.issue()))
    assert changes.renewed == ("providers.lab.base_url", "providers.lab.speaks")


def test_a_file_that_a_variable_names_is_read_again(renewal: Renewal, tmp_path: Path) -> None:
    (tmp_path / "issuer").write_text("Another")
    changes = renewal.compare(renewal.first, renewal.resolve(renewal.issue()))
    assert changes.waiting == ("receipts.issuer",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = [", "this is not TOML"),
        ("nonsense = 1\n[server]\nprot = 1\n", "did you mean server.port?"),
        ('[models.m]\ntargets = ["lba/m"]\n' + LAB, 'did you mean "lab"?'),
        ('[guardrails.g]\nkind = "nobodys"\n', "nobodys"),
    ],
)
def test_what_is_wrong_is_refused_and_nothing_has_changed(renewal: Renewal, text: str, words: str) -> None:
    before = renewal.slate.read()
    write(renewal, text)
    with pytest.raises(ConfigError) as refused:
        renewal.issue()
    assert words in str(refused.value)
    renewal.issue_if_sound()
    assert renewal.slate.read() == before


def test_a_file_that_has_gone_is_refused(renewal: Renewal) -> None:
    assert renewal.first.file is not None
    renewal.first.file.unlink()
    with pytest.raises(ConfigError, match="is not there any more"):
        renewal.issue()
    write(renewal, LAB)
    assert renewal.issue().number == 2
