"""From settings to guardrails: what is set right is ready, what is set wrong is named, and one that cannot be loaded
lets nothing through.
"""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tallygate.access.guardrails.registry import BadGuardrails, Guardrails, find_complaints
from tallygate.access.guardrails.settings import GuardrailSettings
from tests.fixtures.packages import install_example, offer, run_beside

GROUP = "tallygate.guardrails"
GOOD = GuardrailSettings(kind="pii")


def make(**settings: Any) -> GuardrailSettings:
    return msgspec.convert(settings, GuardrailSettings)


@pytest.mark.parametrize(
    ("settings", "path", "sentence"),
    [
        ({}, "kind", 'there is no guardrail of kind "" here; there is models, pii, regex, secrets, size, tools'),
        ({"kind": "regexp"}, "kind", 'there is no guardrail of kind "regexp"'),
        ({"kind": "regex"}, "deny", "is needed: without deny this guardrail does nothing"),
        ({"kind": "regex", "allow": ["a"]}, "deny", "is needed"),
        ({"kind": "regex", "deny": ["(a"]}, "deny", "'(a' is not a pattern that can be used: missing )"),
        ({"kind": "regex", "deny": ["(?=a)"]}, "deny", "is not a pattern that can be used: invalid perl operator"),
        ({"kind": "regex", "deny": [r"(a)\1"]}, "deny", "is not a pattern that can be used: invalid escape"),
        ({"kind": "regex", "deny": ["a*"]}, "deny", "it matches the empty text"),
        ({"kind": "regex", "deny": ["a"], "allow": ["["]}, "allow", "'[' is not a pattern"),
        ({"kind": "regex", "deny": ["((a{100}){100}){100}"]}, "deny", "is not a pattern that can be used"),
        ({"kind": "regex", "deny": ["a"], "find": ["email"]}, "find", 'means nothing to a guardrail of kind "regex"'),
        ({"kind": "pii", "find": ["mail"]}, "find", 'there is no "mail" here; there is email, iban, card'),
        ({"kind": "secrets", "options": {"a": "b"}}, "options", "means nothing"),
        ({"kind": "size"}, "messages_max", "without characters_max or images_max or messages_max"),
        ({"kind": "size", "images_max": 0, "action": "redact"}, "action", "can block or note"),
        ({"kind": "tools"}, "deny", "is needed: without allow or deny"),
        ({"kind": "models", "deny": ["a"], "look_back": 99}, "look_back", "means nothing"),
        ({"kind": "pii", "on": []}, "on", "is empty"),
    ],
)
def test_what_is_wrong_is_named(settings: dict[str, Any], path: str, sentence: str) -> None:
    (complaint,) = find_complaints({"good": GOOD, "lab": make(**settings)})
    assert complaint.path == f"guardrails.lab.{path}"
    assert sentence in complaint.sentence


def test_a_bad_pattern_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "tallygate.toml").write_text('[guardrails.words]\nkind = "regex"\ndeny = ["(a"]\n')
    done = run_beside(tmp_path, "-m", "tallygate", "check")
    assert done.returncode == 1
    assert "guardrails.words.deny: '(a' is not a pattern" in done.stdout + done.stderr
    assert "tallygate.toml:3)" in done.stdout + done.stderr


def test_others_take_their_place_all_or_none() -> None:
    guardrails = Guardrails({})
    assert guardrails.choose("ws", "key", ("m",)) is None
    guardrails.use({"people": GOOD})
    assert guardrails.choose("ws", "key", ("m",)) is not None
    with pytest.raises(BadGuardrails, match=r"guardrails\.b\.kind"):
        guardrails.use({"a": GOOD, "b": make(kind="nothing")})
    assert guardrails.choose("ws", "key", ("m",)) is not None
    guardrails.use({})
    assert guardrails.choose("ws", "key", ("m",)) is None


def test_nothing_is_loaded_before_it_is_needed(tmp_path: Path) -> None:
    code = """
import sys
from tallygate.access.guardrails.registry import Guardrails
from tallygate.access.guardrails.settings import GuardrailSettings
guardrails = Guardrails({"m": GuardrailSettings(kind="models", deny=("m",))})
assert "re2" not in sys.modules
guardrails.use({"p": GuardrailSettings(kind="pii")})
assert "re2" in sys.modules
"""
    done = run_beside(tmp_path, "-c", code)
    assert done.returncode == 0, done.stderr


def test_without_the_engine_nothing_is_let_through(tmp_path: Path) -> None:
    (tmp_path / "re2.py").write_text("raise ModuleNotFoundError('No module named re2', name='re2')\n")
    (tmp_path / "tallygate.toml").write_text('[guardrails.people]\nkind = "pii"\n')
    done = run_beside(tmp_path, "-m", "tallygate", "check")
    assert done.returncode == 1
    assert "needs the package re2; install tallygate[guardrails]" in done.stdout + done.stderr


LOOK = """
from tallygate.access.guardrails.registry import Guardrails
from tallygate.access.guardrails.settings import GuardrailSettings
from tallygate.genai.chat import ChatRequest
from tallygate.genai.messages import Message, Text
from tallygate.genai.stream import TextDelta, Ended
own = GuardrailSettings(kind="codenames", action="redact", options={"names": "nightjar, heron"})
guard = Guardrails({"names": own}).choose("ws", "key", ("m",))
request = guard.check_request(ChatRequest("m", (Message("user", (Text("The Nightjars and the heron."),)),)))
print(request.messages[0].parts[0].text)
stream = guard.open_stream()
events = [stream.feed([TextDelta(text)]) for text in ("a nigh", "tjar", " flies")] + [stream.feed([Ended()])]
print("".join(event.text for told in events for event in told if isinstance(event, TextDelta)))
"""


def test_the_example_is_a_kind_once_it_is_installed(tmp_path: Path) -> None:
    folder = install_example("guardrail-package", tmp_path / "site")
    done = run_beside(folder, "-c", LOOK)
    assert done.stdout.splitlines() == ["The [redacted] and the [redacted].", "a [redacted] flies"], done.stderr
    (folder / "tallygate.toml").write_text('[guardrails.names]\nkind = "codenames"\noptions = { names = "heron" }\n')
    assert run_beside(folder, "-m", "tallygate", "check").returncode == 0
    (folder / "tallygate.toml").write_text('[guardrails.names]\nkind = "codenames"\n')
    done = run_beside(folder, "-m", "tallygate", "check")
    assert done.returncode == 1
    assert "guardrails.names.options: say which names" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("import nowhere", "the package that offers it cannot be loaded: ModuleNotFoundError"),
        ("", "cannot be loaded: AttributeError"),
        ("def make(options): return 1", "it was written for version None of guardrails; here is version 1"),
        (
            "class make:\n    api_version = 2\n    def __init__(self, options): pass\n    find = 1",
            "written for version 2",
        ),
        ("def make(options): return options['x']", "the package that offers it broke: KeyError"),
    ],
)
def test_a_broken_package_refuses_the_configuration(tmp_path: Path, source: str, sentence: str) -> None:
    offer(tmp_path, GROUP, "lab", "lab_check:make", source)
    (tmp_path / "tallygate.toml").write_text('[guardrails.a]\nkind = "lab"\n')
    done = run_beside(tmp_path, "-m", "tallygate", "check")
    assert done.returncode == 1
    assert sentence in done.stdout + done.stderr
