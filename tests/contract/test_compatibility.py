"""The page of clients is what the kept results render to, and a row is kept only of what was seen to work."""

from pathlib import Path

import pytest

from tests.contract import compatibility
from tests.contract.compatibility import RESULTS, Row, read_results, tried, tried_if_told, write_results, write_tried
from tests.contract.compatibility_page import PAGE, render

ROWS = [
    Row("zed", "1.0", "openai_chat", "answer"),
    Row("zed", "1.0", "openai_chat", "tools"),
    Row("zed", "1.0", "openai_chat", "tools", "no streams"),
    Row("Äpfel & co", "2.1", "openai_chat", "tools", "there are none"),
    Row("Äpfel & co", "2.1", "anthropic_messages", "stream"),
]


def test_the_page_shows_the_kept_results() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(read_results(RESULTS)), "`make test-clients` writes it"


def test_a_page_tells_what_works_what_does_not_and_why() -> None:
    page = render(ROWS)
    assert "| client | version | answer | tools |\n|---|---|---|---|\n" in page
    assert "| zed | 1.0 | yes | partly (1) |\n" in page
    assert "| Äpfel & co | 2.1 |  | no (2) |\n" in page
    assert "| client | version | stream |\n|---|---|---|\n| Äpfel & co | 2.1 | yes |\n" in page
    assert page.endswith("\n1. no streams\n2. there are none\n")


def test_results_are_kept_client_by_client(tmp_path: Path) -> None:
    write_results([*ROWS, ROWS[0]], tmp_path)
    assert read_results(tmp_path) == sorted(ROWS)
    write_results([ROWS[0]], tmp_path)
    assert read_results(tmp_path) == sorted([ROWS[0], *ROWS[3:]])


def test_only_what_ended_well_in_a_green_session_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compatibility, "_tried", list[Row]())
    monkeypatch.setattr(compatibility, "RESULTS", tmp_path)
    monkeypatch.delenv("COMPATIBILITY", raising=False)
    with tried("zed", "1.0", "openai_chat", "answer"):
        pass
    with pytest.raises(ValueError, match="broken"), tried("zed", "1.0", "openai_chat", "tools"):
        raise ValueError("broken")
    write_tried(0)
    monkeypatch.setenv("COMPATIBILITY", "1")
    write_tried(1)
    assert read_results(tmp_path) == []
    write_tried(0)
    assert read_results(tmp_path) == [ROWS[0]]


def test_a_scenario_of_a_repertoire_is_kept_where_it_is_on_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = list[Row]()
    monkeypatch.setattr(compatibility, "_tried", kept)
    table = {"whole": ("anthropic zed", "answer"), "stream": ("zed", "stream")}
    plays = [("gateway", "whole"), ("crossed", "whole"), ("crossed", "stream"), ("mock", "whole"), ("gateway", "x")]
    for server, scenario in plays:
        with tried_if_told(table, "1.0", server, scenario):
            pass
    assert kept == [
        Row("anthropic zed", "1.0", "anthropic_messages", "answer"),
        Row("anthropic zed", "1.0", "openai_chat", "answer"),
        Row("zed", "1.0", "anthropic_messages", "stream"),
    ]


@pytest.mark.parametrize("wrong", [("zed", "", "openai_chat", "answer"), ("zed", "1", "chat", "answer")])
def test_an_unknown_name_is_refused(wrong: tuple[str, str, str, str]) -> None:
    with pytest.raises(AssertionError), tried(*wrong):
        pass
