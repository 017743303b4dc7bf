"""The verb over a corpus of files: what it writes and reports is compared with what was read through once by a person.

`tallygate import litellm tests/cli/litellm/NAME.yaml --out -` prints what belongs into NAME.toml and NAME.report.
"""

import json
import re
import tomllib
from pathlib import Path
from typing import cast

import pytest
import yaml

from tallygate.config.litellm.importing import import_litellm
from tests.cli.calling import Run

CORPUS = Path(__file__).parent.parent / "litellm"
NAMES = sorted(file.stem for file in CORPUS.glob("*.yaml"))
LOSSES = {"people", "pool"}
SECRET = "not-to-be-printed"


@pytest.mark.parametrize("name", NAMES)
def test_a_file_becomes_what_was_read_through(run: Run, name: str) -> None:
    done = run("import", "litellm", str(CORPUS / f"{name}.yaml"), "--out", "-")
    assert done.stdout == (CORPUS / f"{name}.toml").read_text(encoding="utf-8")
    assert done.stderr == (CORPUS / f"{name}.report").read_text(encoding="utf-8")
    assert done.exit_code == (1 if name in LOSSES else 0)
    assert SECRET not in done.output


@pytest.mark.parametrize("name", NAMES)
def test_what_was_written_passes_the_check(run: Run, tmp_path: Path, name: str) -> None:
    out = tmp_path / "out.toml"
    written = run("import", "litellm", str(CORPUS / f"{name}.yaml"), "--out", str(out))
    assert f"Written to {out}" in written.stdout
    checked = run("check", "--config", str(out), "--json")
    assert checked.exit_code == 0, checked.output
    models = tomllib.loads(out.read_text(encoding="utf-8")).get("models", {})
    settings = {row["setting"] for row in json.loads(checked.stdout)}
    assert len([one for one in settings if one.endswith(".targets")]) == len(models)


@pytest.mark.parametrize("name", NAMES)
def test_every_line_with_a_value_has_a_line_in_the_report(name: str) -> None:
    """An anchor's lines are reported where they are used; a value under a key that is reported whole is with it."""
    text = (CORPUS / f"{name}.yaml").read_text(encoding="utf-8")
    reported = [line.key for line in import_litellm(text.encode(), name, {}).lines]
    unreported = [
        path
        for path in list_leaves(yaml.safe_load(text))
        if not any(re.match(rf"{re.escape(key)}(\Z|[.\[])", path) for key in reported)
    ]
    assert not unreported


@pytest.mark.parametrize("name", NAMES)
def test_lines_are_those_of_the_file(name: str) -> None:
    lines = (CORPUS / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    for line in import_litellm((CORPUS / f"{name}.yaml").read_bytes(), name, {}).lines:
        key = re.sub(r"\[\d+\]\Z", "", line.key).rpartition(".")[2]
        assert re.search(rf"(^|[\s{{\"-]){re.escape(key)}\"?\s*:", lines[line.line - 1]) or line.key.endswith("]"), line


def test_it_never_writes_over_a_file(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "mine.toml"
    out.write_text("mine")
    done = run("import", "litellm", str(CORPUS / "bare.yaml"), "--out", str(out))
    assert done.exit_code == 1
    assert "is there already" in done.stderr
    assert out.read_text() == "mine"


def test_the_report_as_json(run: Run) -> None:
    done = run("import", "litellm", str(CORPUS / "team.yaml"), "--out", "-", "--json")
    told = json.loads(done.stdout)
    assert told["complete"]
    assert told["lines"][0] == {
        "line": 3,
        "key": "model_list[0].model_name",
        "verdict": "taken",
        "text": "the name that clients call: [models] gpt-4.1-mini",
    }
    assert set(told["variables"]) == {"ANTHROPIC_API_KEY", "OPENAI_API_KEY", "TALLYGATE_ADMIN_KEY"}
    assert tomllib.loads(told["toml"])["models"]


@pytest.mark.parametrize("text", ["a: [1", "a: !!python/object/apply:os.system [id\n", "\x00", "a: *nobody"])
def test_what_is_not_yaml_is_refused_with_its_place_and_without_its_text(run: Run, tmp_path: Path, text: str) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(f"key: {SECRET}\n{text}")
    done = run("import", "litellm", str(file))
    assert done.exit_code == 1
    assert f"{file} cannot be read: " in done.stderr
    assert SECRET not in done.output
    assert not Path("tallygate.toml").exists()


def list_leaves(value: object, path: str = "") -> list[str]:
    """The place of every value that is no mapping or list."""
    if isinstance(value, dict):
        pairs = cast("dict[str, object]", value).items()
        return [leaf for key, inner in pairs for leaf in list_leaves(inner, f"{path}.{key}" if path else str(key))]
    if isinstance(value, list):
        items = enumerate(cast("list[object]", value))
        return [leaf for at, inner in items for leaf in list_leaves(inner, f"{path}[{at}]")]
    return [path] if value is not None else []
